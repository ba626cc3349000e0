"""Real requests and responses of twelve providers, held to what a person reads in them."""

from dataclasses import dataclass

import pytest

import cotlens as cl
from tests.recordings import recording

STREET = "How do I cross the street?"
RIVER = "Considering the way to cross the street, analogously, how do I cross the river?"
MAGIC = (
    "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING_46C9A13E193C177646C7398A98432ECCCE4C1253D5E2D82641AC0E52CC2876CB"
)


@dataclass(frozen=True)
class Turn:
    """What a person reads of one part: its kind and status, how it begins and ends, and how long it is."""

    kind: str
    begins: str = ""
    ends: str = ""
    length: int | None = None
    name: str = ""


def user(text):
    return Turn("user", text, text, len(text))


def thought(status, *text):
    return Turn(f"thought {status}", *text)


STREET_ANTHROPIC = (
    thought("summary", "This is a straightforward question", "street safely.", 134),
    Turn("answer", "Here's how to cross the street safely:", "stay alert and make safe choices.", 1062),
)
ANTHROPIC_TOOL = (
    user("What is the largest city in the user country?"),
    thought("summary", 'The user is asking about the largest city in "the user country".', "function first.", 376),
    Turn("answer", "I'll help you find the largest city", "country you're from.", 103),
    Turn("tool_call", "get_user_country({})", name="get_user_country"),
)
STREET_BEDROCK = (
    user(STREET),
    thought("verbatim", "Okay, the user is asking how to cross the street."),
    Turn("answer", "\n\nCrossing the street safely involves careful", "safety over convenience! 🚸", 1787),
)
STREET_GOOGLE = (
    Turn("system", "You are a helpful assistant."),
    user(STREET),
    thought("summary", "**A Safe Street-Crossing Guide: My Thought Process**", "the final response.\n\n\n", 2238),
    Turn("answer", "Crossing the street safely is a fundamental skill", "rather than looking for you.", 3017),
)
CHEF = (Turn("system", "You are a chef."), user("I want a recipe to cook Uruguayan alfajores."))
STREET_R1 = (
    user(STREET),
    thought("verbatim", 'Okay, the user asked "How do I cross the street?" Hmm, seems basic'),
    Turn("answer", "Crossing the street safely requires **awareness", "every crossing is different! 🛑👟"),
)
STREET_GPT = (
    user(STREET),
    thought("summary", "**Considering street crossing safety**", "this concise guidance!"),
    Turn("answer", "Here’s a simple, safe way to cross a street:", "tailor this further.", 1225),
)
POEM = (
    Turn("system", "You are a helpful assistant that uses planning.", "against the user's prompt", 154),
    Turn("user", "Compose a 12-line poem where the first letters", "create the capital of a country", 261),
    thought("summary", "**Creating a structured poem**", "the update_plan tool for that!"),
    Turn("tool_call", 'update_plan({"plan":"Plan:', 'Deliver the 12-line poem."})', name="update_plan"),
)
STREET_O3 = (
    user(STREET),
    thought("summary", "**Providing crossing guidelines**", "local pedestrian safety laws."),
    Turn("answer", "I’m not a certified traffic safety expert", "specific advice. Stay safe!", 1310),
)

EXPECTED = {
    "anthropic": [
        (user(STREET), *STREET_ANTHROPIC),
        (
            user(STREET),
            *STREET_ANTHROPIC,
            user(RIVER),
            thought("summary", "This is an interesting analogy question.", "methods of crossing a river.", 847),
            Turn("answer", "# How to Cross a River", "find a bridge or don't cross.", 1295),
        ),
    ],
    "anthropic-redacted": [
        (user(MAGIC), thought("redacted", "", "", 0), Turn("answer", "I notice that your message", "today?", 341)),
        (
            user(MAGIC),
            thought("redacted", "", "", 0),
            Turn("answer", "I notice that your message", "today?", 341),
            user("What was that?"),
            thought("redacted", "", "", 0),
            Turn("answer", "That message appeared to be an attempt", "help you with today?", 500),
        ),
    ],
    "anthropic-tools": [
        ANTHROPIC_TOOL,
        (
            *ANTHROPIC_TOOL,
            Turn("tool_result", "Mexico", "Mexico", 6),
            Turn("answer", "Based on the information that you're from Mexico", "cultural center of Mexico.", 604),
        ),
    ],
    "bedrock-deepseek": [
        STREET_BEDROCK,
        (
            *STREET_BEDROCK,
            user(RIVER),
            thought("verbatim", "Okay, the user is asking how to cross a river", "angle if applicable.\n", 1977),
            Turn("answer", "\n\nCrossing a river, like crossing a street", length=2207),
        ),
    ],
    "deepseek": [
        (
            user(STREET),
            thought("verbatim", "Okay, the user is asking how to cross the street.", "clearly and concisely.", 1997),
            Turn("answer", "Crossing the street safely involves careful", "until you've fully crossed.", 1568),
        )
    ],
    "google": [
        STREET_GOOGLE,
        (
            *STREET_GOOGLE,
            user(RIVER),
            thought("summary", "**Navigating Nature's Road", "move to production.\n\n\n", 2781),
            Turn("answer", "Crossing a river is deceptively similar", "(like a crossing guard).", 3850),
        ),
    ],
    "groq": [
        (
            *CHEF,
            thought("verbatim", "Okay, so I want to make Uruguayan alfajores.", "try these Uruguayan alfajores!"),
            Turn("answer", "To make Uruguayan alfajores, follow", "with a cup of coffee or tea!"),
        ),
        (
            *CHEF,
            Turn("answer", "\n\nTo make Uruguayan alfajores, follow", "with a cup of coffee or tea!", 1927),
            user("Considering the Uruguayan recipe, how can I cook the Argentinian one?"),
            thought("verbatim", "Alright, so I want to make Argentinian", "traditional South American treat.\n", 3722),
            Turn("answer", "To create authentic Argentinian alfajores", "beloved South American treat.", 3469),
        ),
    ],
    "huggingface": [
        STREET_R1,
        (
            *STREET_R1,
            user(RIVER),
            thought("verbatim", "Okay, the user is asking how to cross a river, drawing an analogy"),
            Turn("answer", "Crossing a river is **far more dangerous**", "never underestimate it."),
        ),
    ],
    "mistral": [
        STREET_O3,
        (
            *STREET_O3,
            user(RIVER),
            thought("verbatim", "**Analogizing crossing a river**", "unsure about the conditions.", 2379),
            Turn("answer", "Crossing a river is quite different", "river's conditions. Stay safe!", 1282),
        ),
    ],
    "openai-responses": [
        STREET_GPT,
        (
            *STREET_GPT,
            user(RIVER),
            thought("summary", "**Analyzing river crossing instructions**", "tailor the advice further."),
            Turn("answer", "Short version: default to a bridge or ferry", "the exact technique.", 2580),
        ),
    ],
    "openai-responses-tools": [
        POEM,
        (
            *POEM,
            Turn("tool_result", "plan updated", "plan updated", 12),
            Turn("answer", "Softly old fountains illumine alleys", "spices curl under starlight", 499),
        ),
    ],
    "openrouter": [
        (
            Turn("user", "What was the impact of Voltaire's writings", "Think about your answer.", 93),
            thought("verbatim", "1.  **Deconstruct the User's Prompt:**", 'the "thinking" process.', 5957),
            Turn("answer", "\n\nOf course. This is an excellent question", "for better and for worse.", 6594),
        )
    ],
}


@pytest.mark.parametrize("provider", EXPECTED)
def test_opens_with_what_a_person_reads(provider):
    traces = cl.read(recording(provider))
    assert len(traces) == len(EXPECTED[provider])
    for trace, expected in zip(traces, EXPECTED[provider], strict=True):
        found = [f"{part.kind} {part.status}".strip() for part in trace.parts]
        assert found == [turn.kind for turn in expected]
        for part, turn in zip(trace.parts, expected, strict=True):
            assert part.text.startswith(turn.begins)
            assert part.text.endswith(turn.ends)
            assert turn.length in (None, len(part.text))
            assert part.name == turn.name
            assert trace.text[part.span.char_start : part.span.char_end] == part.text


@pytest.mark.parametrize("provider", EXPECTED)
def test_is_focused_on_the_thought_of_the_response(provider):
    for trace, expected in zip(cl.read(recording(provider)), EXPECTED[provider], strict=True):
        *before, last = expected
        thinks = len(before) and before[-1].kind.startswith("thought")
        if not (thinks or last.kind == "tool_call"):
            assert trace.thought == ""
            assert trace.answer.startswith(last.begins)
            continue
        place = max(at for at, turn in enumerate(expected) if turn.kind.startswith("thought"))
        assert trace.thought.startswith(expected[place].begins)
        assert trace.answer.startswith(expected[place + 1].begins)
        assert trace.answer.endswith(last.ends)
        assert trace.prompt.startswith(expected[0].begins)
        assert trace.prompt.endswith(expected[place - 1].ends)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-sonnet-4-5-20250929"),
        ("google", "gemini-3-pro-preview"),
        ("openai-responses", "gpt-5-2025-08-07"),
        ("deepseek", "deepseek-reasoner"),
        ("groq", "deepseek-r1-distill-llama-70b"),
    ],
)
def test_says_who_wrote_it_and_how_it_ended(provider, model):
    for trace in cl.read(recording(provider)):
        assert trace.meta["model"] == model
        assert trace.finished


def test_calls_and_results_have_the_id_that_joins_them():
    for provider in ("anthropic-tools", "openai-responses-tools"):
        parts = cl.read(recording(provider))[1].parts
        call, result = (next(part for part in parts if part.kind == kind) for kind in ("tool_call", "tool_result"))
        assert call.id == result.id != ""


def test_a_summary_that_is_sent_to_another_model_is_still_one():
    sent = cl.read(recording("mistral"))[1]
    assert sent.thoughts[0].status == "summary"
    assert any("was a summary" in note for note in sent.meta["notes"])


def test_a_file_of_them_keeps_all(tmp_path):
    traces = cl.read(recording("anthropic-tools")) + cl.read(recording("google"))
    traces.save(tmp_path / "all.traces")
    loaded = cl.Traces.load(tmp_path / "all.traces")
    assert loaded == traces
    assert [trace.parts for trace in loaded] == [trace.parts for trace in traces]
    assert loaded[1].focus(0) == traces[1].focus(0)
