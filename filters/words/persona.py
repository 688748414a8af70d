"""The wordings of `says_ai` and `refuses`: English, gathered from answers of models."""

from __future__ import annotations

from curate.filters.words.claims import ADVERBS, APOSTROPHE, I_AM, I_HAVE, QUOTES, any_of
from curate.filters.words.regex import CODE, ascii_boundaries

_SORT = (
    "(?:"
    + any_of(
        """
        mere; simple; humble; friendly; helpful; professional(?:ly)?; strictly; continually; constantly; formal;
        conversational; digital; virtual; advanced; highly; sophisticated; large; small; text-based; multilingual;
        generative; modern; trained; programmed; designed; open; source; open-source; non-human; computer; language;
        machine; learning; artificial; intelligent; intelligence; AI; AI-powered; AI-based; based; powered
        """
    )
    + ",? )*"
)
_KIND = any_of(
    r"""
    AIs?\b; A\.I\.; artificial intelligence; (?:large )?language model; LLM\b; chat ?bot; bot\b; computer program;
    (?:virtual|digital|AI|automated) (?:assistant|entity|being|companion|friend); machine learning model;
    neural network; piece of software; machine (?:designed|built|programmed|learning)
    """
)
_SAYS = [
    rf"\b(?:as|being) an? {_SORT}{_KIND}[^.!?\n]{{0,100}}?\b(?:I|my|me)\b",
    rf"{I_AM} {ADVERBS}(?:an? |your )?{_SORT}{_KIND}",
    rf"\b(?:I exist|I{APOSTROPHE}m here|I function|I operate) as an? {_SORT}{_KIND}",
    r"\bAIs? like (?:me|myself)\b|\b(?:we|us) AIs?\b|\bmy (?:training data|programming|creators)\b",
    rf"{I_AM} (?:not )?programmed to|{I_HAVE} been trained on|\bI was (?:\w+ )?(?:trained on|(?:programm|design)ed to)",
    r"\bI was created by (?:OpenAI|Google|Meta|Anthropic|Hugging ?Face|a team)",
    r"\b(?:I exist|I operate|I live) (?:solely|only|purely|entirely) (?:to|as|within|in)\b",
]
AI = ascii_boundaries(f"(?i:{'|'.join(_SAYS)})")
_WITH_AI = any_of(
    r"""
    engineers?; researchers?; developers?; students?; experts?; enthusiasts?; startups?; compan(?:y|ies); professors?;
    specialists?; practitioners?; scientists?; labs?; teams?; ethic\w*; consultants?; trainers?; artists?; fans?;
    users?; s[ck]eptics?; teachers?; safety; policy; tools?; systems?; courses?; class(?:es)?; community; field;
    problems?
    """
)
# An AI engineer is none, nor is one who says so in code or in a quotation, or that it is not.
NOT_AI = [
    [CODE, QUOTES],
    [
        rf"(?i:\b(?:AI|LLM|bot|machine learning|artificial intelligence|neural network)[ -]{_WITH_AI}\b)",
        rf"(?i:{I_AM} not an? [^.!?,;:\n]*|\bas if I[^.!?,;:\n]*)",
    ],
]

_CANNOT = rf"I(?:{APOSTROPHE}m| am)? ?" + any_of(
    rf"""
    can{APOSTROPHE}?t; cannot; can not; won{APOSTROPHE}t; will not; (?:am )?unable to; (?:am )?not able to;
    (?:must|have to|need to) decline(?: to)?; do not feel comfortable; don{APOSTROPHE}t feel comfortable;
    not comfortable; not going to; not allowed to; not permitted to; not programmed to
    """
)
_HELPING = (
    any_of(
        """
        help; assist; provide; answer; fulfil; fulfill; comply; support; create; creat; write; generate; generat; give;
        share; shar; discuss; engage; engag; participate; participat; offer; complete; process; do (?:that|this|so|it);
        satisfy; respond; disclose; recommend; advise; promote; produce; suggest; accommodate; facilitate; proceed;
        continue; grant; honou?r; describe; explain how; come up with; pass; tell you; pretend; publish
        """
    )
    + "(?:ing)?"
)
_MANNER = "(?:(?:really|actually|directly|ethically|in good conscience|be able to|legally|with|to) )*"
_SORRY = rf"(?:{I_AM} (?:so |very |really |truly |terribly )*(?:sorry|afraid)|I apologi[sz]e|(?:my )?apologies|sorry)"
_REFUSES = [
    rf"{_CANNOT} {_MANNER}{_HELPING}\b",
    rf"(?:that{APOSTROPHE}?s|this is|it{APOSTROPHE}?s) (?:not )?something (?:that )?I "
    rf"(?:can(?:{APOSTROPHE}t|not)?|won{APOSTROPHE}t|am not able to|am unable to)\b",
    rf"(?:{_SORRY}|unfortunately),?(?: but)?(?: that)? {_CANNOT}\b",
    r"I (?:must|have to|need to) (?:respectfully |politely )?decline\b|I (?:respectfully|politely) decline\b",
]
# At the beginning: in the first sentence or the one after it.
REFUSAL = ascii_boundaries(rf"(?i)\A(?:[^.!?\n]{{0,160}}[.!?]\s+)?[^.!?\n]{{0,200}}?\b(?:{'|'.join(_REFUSES)})")
# "I can't help but smile" helps.
NOT_REFUSED = [
    [CODE, QUOTES],
    [
        rf"(?i:\bI can(?:{APOSTROPHE}t|not) "
        + any_of(
            r"""
            help (?:but|it|myself|feeling|thinking|wondering|smiling|laughing); wait; imagine; believe; agree more;
            stress; emphasi[sz]e; recommend (?:it |this |that )?(?:enough|highly); thank you enough; complain; blame;
            say I; tell you how; promise
            """
        )
        + r"\b)"
    ],
]
