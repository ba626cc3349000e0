"""Everyday wording: stories in words, tenses and names that people type and that Abacus's own language lacks.

Abacus's second run meets a share of them (`Extras.everyday`), so that a typed problem is read too. The thoughts stay in
the small language and recall each change in the story's words. `UNSEEN_NAMES` and `UNSEEN_THINGS` are never trained on.
"""

from __future__ import annotations

import random

from cotlens.organisms.task.words import Wording

_PEOPLE = {
    "she": (
        "Alice Mary Sally Emily Sarah Lisa Linda Susan Jenny Julie Betty Olivia Sophia Maria Fatima Anita Ingrid Marie "
        "Giulia Grace Chloe Hannah Laura Rachel Megan Wendy Nancy Helen Yuki Ama Hermione Natalia Amina Elena Rosie "
        "Molly Daisy Abby Bella Kim"
    ).split(),
    "he": (
        "Bob John Peter Jim James Michael Mark Robert Kevin George Harry Ron Charlie Liam William Mason Jacob Ethan "
        "Daniel Matthew Andrew Ken Randy Carlos Jose Ahmed Ali Wei Raj Lars Hans Pierre Lucas Billy Joe Steve Frank "
        "Dave Tim Sean"
    ).split(),
}
_ROLES = {
    "she": ("teacher", "girl", "queen", "nurse", "woman", "doctor", "student", "farmer", "baker", "chef"),
    "he": ("farmer", "boy", "baker", "king", "man", "gardener", "student", "teacher", "chef", "pilot"),
}
_PLACES = (
    "on tree,in box,on shelf,in basket,on farm,on bus,in room,in shop,in garden,in jar,in pond,in zoo,on table,in bag,"
    "in class,in park,in school,in library,on train,in bowl,in kitchen,in store,in drawer,in fridge,on ship,in bakery,"
    "in field,in cage,in car park,in museum"
).split(",")
_THINGS = (
    "bananas,grapes,birds,fish,dogs,cats,cars,dollars,pounds,euros,candies,chocolates,sweets,toys,crayons,pizzas,"
    "sandwiches,cakes,muffins,donuts,trees,students,people,passengers,chairs,tables,bikes,balls,rocks,gems,rings,hens,"
    "cows,sheep,ducks,frogs,rabbits,horses,goats,tomatoes,potatoes,carrots,onions,mangoes,strawberries,melons,letters,"
    "points,toy cars,gold coins,tennis balls,red apples,pencil cases,comic books,slices of pizza,video games,"
    "water bottles,children,kids,friends,flowers,roses,apples,oranges,pears,books,pens,pencils,marbles,eggs,cookies,"
    "stickers,cards,coins,stamps,balloons,shirts,shoes,photos,songs,pages,lamps,bricks,sticks,shells"
).split(",")
UNSEEN_NAMES = {
    "she": "Brenda Gwen Zara Doris Wanda Irene Peggy Tilda".split(),
    "he": "Olaf Trevor Bruno Ned Keith Igor Walter Duncan".split(),
}
UNSEEN_THINGS = (
    "lollipops magnets turnips hamsters umbrellas gloves wallets pebbles bracelets tulips parrots drums".split()
)
_SOUNDS = (
    "b br c ch cl d dr f fl g gr h j k kr l m n p pl pr qu r s sh sk sl st t th tr v w y z".split(),
    "a e i o u ai ee ou oa".split(),
    ["", "", "n", "r", "l", "m", "t", "ck", "nd", "st", "ng", "ss", "rt", "x"],
)

# present and past of what a person or a place does to its own count
_GAIN_VERBS = (
    "finds found,buys bought,gets got,receives received,earns earned,collects collected,picks picked,wins won,"
    "makes made,bakes baked,gathers gathered,catches caught,adds added,borrows borrowed,picks up picked up,"
    "grows grew,saves saved,draws drew,discovers discovered,gains gained,is given was given,"
    "orders ordered,prints printed,brings home brought home"
)
_LOSS_VERBS = (
    "loses lost,gives away gave away,sells sold,eats ate,uses used,breaks broke,drops dropped,throws away threw away,"
    "spends spent,donates donated,lends lent,returns returned,burns burned,pops popped,trades away traded away,"
    "mails mailed,drinks drank,misplaces misplaced,hands out handed out,gives out gave out,uses up used up,"
    "removes removed,shares shared,wastes wasted"
)
_COMINGS = (
    "come came,arrive arrived,are added were added,join them joined them,fly in flew in,are bought were bought,"
    "get on got on,are put in were put in,walk in walked in"
)
_GOINGS = (
    "leave left,fly away flew away,run away ran away,die died,break broke,fall off fell off,are sold were sold,"
    "are lost were lost,are eaten were eaten,swim away swam away,get off got off,go home went home,"
    "are taken were taken,are removed were removed,are broken were broken,disappear disappeared"
)


def _pairs(table: str) -> list[tuple[str, str]]:
    """Present and past of each entry; both halves have as many words."""
    halves = [(entry.split(), len(entry.split()) // 2) for entry in table.split(",")]
    return [(" ".join(entry[:half]), " ".join(entry[half:])) for entry, half in halves]


def _doing(verbs: str, patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(pattern.replace("{v}", verb) for pair in _pairs(verbs) for verb in pair for pattern in patterns)


_GAIN_PATTERNS = (
    "{P} {v} {k} {t}.",
    "{P} {v} {k} more {t}.",
    "{P} {v} {k} more.",
    "{P} {v} {k}.",
    "Then {p} {v} {k} more {t}.",
    "{n} {v} {k} more {t}.",
    "{P} then {v} {k} {t}.",
    "After that {p} {v} {k} more.",
    "{P} also {v} {k} {t}.",
)
_LOSS_PATTERNS = (
    "{P} {v} {k} {t}.",
    "{P} {v} {k} of them.",
    "{P} {v} {k} of the {t}.",
    "{P} {v} {k}.",
    "Then {p} {v} {k} {t}.",
    "{n} {v} {k} {t}.",
    "{P} then {v} {k} of them.",
    "After that {p} {v} {k}.",
    "{P} {v} {k} of {s} {t}.",
)
_PERSON_GAINS = (
    "{f} gave {o} {k} {t}.",
    "{f} gave {n} {k} more {t}.",
    "{f} gives {n} {k} {t}.",
    "{P} gets {k} {t} from {f}.",
    "{P} got {k} more from {f}.",
)
_PERSON_LOSSES = (
    "{P} gave {k} {t} to {f}.",
    "{P} gave {f} {k} {t}.",
    "{P} gave {f} {k} of them.",
    "{P} gives {f} {k}.",
    "{P} gave {k} to {f}.",
    "{f} took {k} {t}.",
    "{f} ate {k} of them.",
    "{n} gives {k} {t} to {f}.",
    "{f} borrowed {k} {t}.",
)
_GAINS = _doing(_GAIN_VERBS, _GAIN_PATTERNS)
_LOSSES = _doing(_LOSS_VERBS, _LOSS_PATTERNS)
_OPENINGS = ("{n} has {k} {t}.", "{n} had {k} {t}.", "{n} starts with {k} {t}.", "{n} started with {k} {t}.")
_QUESTIONS = (
    "How many {t} does {n} have now?",
    "How many {t} does {n} have?",
    "How many {t} does {n} have left?",
    "How many {t} did {n} have in the end?",
    "How many {t} does {p} have?",
    "How many {t} does {p} have left?",
    "How many {t} does {p} have now?",
    "How many does {p} have now?",
    "How many {t} are left?",
    "How many {t} are there now?",
    "How many {t} are there?",
    "How many are left?",
    "How many {t} remain?",
    "So how many {t} does {n} have in total?",
    "What is the number of {t} now?",
)
PERSON = Wording(
    openings=(
        *_OPENINGS,
        "{n} bought {k} {t}.",
        "{n} baked {k} {t}.",
        "{n} collected {k} {t}.",
        "{n} found {k} {t}.",
        "{n} has a box with {k} {t}.",
        "{n} had {k} {t} at home.",
        "Yesterday {n} had {k} {t}.",
        "{n} owns {k} {t}.",
    ),
    gains=(*_GAINS, *_PERSON_GAINS * 20),
    losses=(*_LOSSES, *_PERSON_LOSSES * 20),
    questions=_QUESTIONS,
)
PLACE = Wording(
    openings=(
        *_OPENINGS,
        "There are {k} {t} {prep} {n}.",
        "There were {k} {t} {prep} {n}.",
        "{k} {t} are {prep} {n}.",
        "{prep} {n} there are {k} {t}.",
    ),
    gains=_doing(_COMINGS, ("{k} more {v}.", "{k} {t} {v}.", "{k} more {t} {v}.", "Then {k} more {v}.")) * 3
    + _doing(
        "buys bought,gets got,receives received,adds added,makes made,orders ordered",
        ("{P} {v} {k} {t}.", "{P} {v} {k} more."),
    ),
    losses=_doing(_GOINGS, ("{k} {v}.", "{k} {t} {v}.", "{k} of them {v}.", "{k} of the {t} {v}.", "Then {k} {v}.")) * 3
    + _doing("loses lost,sells sold,gives away gave away,uses used", ("{P} {v} {k} {t}.", "{P} {v} {k}.")),
    questions=_QUESTIONS,
)


def draw(rng: random.Random, unseen: bool) -> tuple[Wording, dict[str, str]]:
    """A wording and who and what the story is about; `unseen` asks for names and things that are never trained on.

    The fields: n (name), introduced (who the prompt first says it is), p (pronoun), f (a friend), t (thing), prep (of a
    place).
    """
    pronoun = rng.choice(("she", "he"))
    name = introduced = _name(rng, pronoun, unseen)
    friend, prep, wording = name, "", PERSON
    while friend == name:
        friend = _name(rng, rng.choice(("she", "he")), unseen)
    way = rng.random()
    if way < 0.2:
        prep, place = rng.choice(_PLACES).split(" ", 1)
        name, pronoun, wording = f"the {place}", "it", PLACE
        introduced = rng.choice((name, f"a {place}"))
    elif way < 0.3 and not unseen:
        role = rng.choice(_ROLES[pronoun])
        name = f"the {role}"
        introduced = rng.choice((name, f"a {role}"))
    things = UNSEEN_THINGS if unseen else _THINGS
    thing = _made_up(rng) + "s" if not unseen and rng.random() < 0.3 else rng.choice(things)
    return wording, {"n": name, "introduced": introduced, "p": pronoun, "f": friend, "t": thing, "prep": prep}


def _name(rng: random.Random, pronoun: str, unseen: bool) -> str:
    if unseen:
        return rng.choice(UNSEEN_NAMES[pronoun])
    return _made_up(rng).capitalize() if rng.random() < 0.4 else rng.choice(_PEOPLE[pronoun])


def _made_up(rng: random.Random) -> str:
    """A word that no list holds, such as "stourt"; copying such words teaches copying any."""
    return "".join("".join(rng.choice(part) for part in _SOUNDS) for _ in range(rng.choice((1, 2, 2, 3))))
