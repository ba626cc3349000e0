"""How a family of models marks its thoughts and turns, and how text becomes tokens and back. Open `format` first.

`families` is data: the markers of each family. To add one whose texts are marked otherwise, add an entry there, and
its chat template to `tests/model/chat_templates.py`. `format` binds one to a tokenizer, with chat templates
(`templates`), the `markers` and `segments` of a sequence, and the channels of gpt-oss (`harmony`). `codec` and
`vocabulary` know tokenizers, `endings` with which tokens a value has ended.
"""
