"""The wordings of `claims_human`, `says_ai` and `refuses`: English, gathered from answers of models and of people."""

from __future__ import annotations

from curate.filters.words.regex import ascii_boundaries

_APOSTROPHE = "['’]"
_I_AM = rf"\bI(?:{_APOSTROPHE}m| am)"
_I_HAVE = rf"\bI(?:{_APOSTROPHE}ve| have)"


def _any_of(listed: str) -> str:
    """Write a list of wordings, apart by semicolons, as one pattern; each may be a pattern itself.

    >>> _any_of("day off; days?")
    '(?:day off|days?)'
    """
    return f"(?:{'|'.join(' '.join(wording.split()) for wording in listed.split(';'))})"


def _any_before(listed: str) -> str:
    """Write a list of words of which any number, or none, may come before the next word."""
    return f"(?:{_any_of(listed)} )*"


def _patterns(*groups: list[str]) -> list[str]:
    """Write groups of alternatives as one pattern each, in any capitals."""
    return [ascii_boundaries(f"(?i:{'|'.join(group)})") for group in groups]


# Between "I" and its verb. "Never" and "not" are not among them: what is denied is no claim.
_ADVERBS = _any_before(
    r"""
    just; once; recently; also; even; actually; finally; always; usually; often; sometimes; really; personally; still;
    only; totally; absolutely; definitely; truly; kind of; sort of; already; both; normally; typically; generally;
    lately; simply; first; probably; honestly; especially; particularly; occasionally; regularly; used to; tend to; had
    to; got to; get to; decided to; love to; like to; try to; tried to; went and; vividly; distinctly; fondly; basically
    """
)
_WHICH = _any_before(
    r"""
    own; dear; lovely; little; older; younger; big; late; beloved; sweet; \w+-year-old; two; three; whole; extended;
    furry; old; new; favou?rite(?: pair of| kind of)?; morning; evening; trusty; daily
    """
)
_RELATIVES = _any_of(
    r"""
    wife; husband; girlfriend; boyfriend; spouse; fianc[eé]e?; ex; mom; mommy; mum; mother; dad; daddy; father;
    parents?; folks; grand(?:ma|pa|mother|father|parents?|kids|children|daughter|son); granny; nan; sisters?; brothers?;
    siblings?; sons?; daughters?; kids?; children; toddler; aunt; auntie; uncle; cousins?; nephews?; nieces?; family;
    in-laws; (?:mother|father|sister|brother)-in-law; room-?mates?; flat-?mates?; house-?mates?; neighbou?rs?;
    co-?workers?; colleagues?; class-?mates?; friends; buddies; pals; dogs?; cats?; puppy; puppies; kittens?; pets?;
    (?:best|closest|oldest|childhood|college|school|high school|work|gym) (?:friend|buddy|mate|pal)
    """
)
_OWN = _any_of(
    r"""
    childhood; upbringing; youth; home ?town; teens; teenage years; twenties; thirties; forties; school days; college
    days; high school; elementary school; university; alma mater; house; home; apartment; flat; kitchen; garden;
    backyard; bedroom; bathroom; living room; garage; balcony; bed; couch; sofa; fridge; oven; car; bike; bicycle;
    truck; commute; desk; office; phone; laptop; wedding; birthday; honeymoon; marriage; divorce; pregnancy; birth;
    vacations?; holidays?; day off; days off; weekends?; mornings?; evenings?; bedtime; career; paycheck; salary; boss;
    manager; day job; (?:first|old|last|previous|current|new|full-time|part-time|dream) job; workouts?; gym; runs;
    hikes; guitar; piano; breakfast; lunch; dinner; coffee; tea; wine; beer; diet; body; eyes; ears; nose; mouth;
    stomach; tummy; belly; knees?; legs; feet; fingers; skin; hair; beard; teeth; lungs; muscles; taste ?buds; sweet
    tooth; clothes; closet; wardrobe; shoes; jeans; passport; suitcase; backpack; bucket list; neighbou?rhood; street;
    local; town
    """
)
_FRIENDS = r"(?:friends?|buddies|buddy|pals?|colleagues?|co-?workers?)"
_YOUNG = (
    r"(?:just |only |about |around |still |really |very )*"
    r"(?:an? |in (?:my |high |middle |grad |elementary |primary )?)?"
    + _any_of(
        r"""
        kid; child; boy; girl; baby; toddler; teen\w*; little; young(?:er)?; small; growing up; school; college;
        university; kindergarten; student; undergrad\w*; grad student; pregnant; \d+;
        (?:early |mid-|late )?(?:teens|twenties|thirties)
        """
    )
    + r"\b"
)
_PERSON = _any_of(
    r"""
    human; person; man; woman; guy; gal; girl; boy; teen(?:ager)?; mom; mum; mother; dad; father; parent;
    grand(?:ma|pa|mother|father|parent); wife; husband; teacher; doctor; nurse; student; engineer; lawyer; chef; writer;
    musician; artist; developer; programmer; farmer; veteran; pilot; therapist; scientist; professor; researcher;
    barista; freelancer; accountant; coach; morning person; night owl; early bird; (?:dog|cat|people|city|beach) person;
    (?:coffee|tea|wine) (?:person|lover|addict|drinker|snob); foodie; picky eater; homebody; beach bum; bookworm;
    runner; hiker; swimmer; cyclist; gardener; home cook; baker; guitarist; pianist; dancer; gym rat; lazybones;
    couch potato; (?:city|country) (?:girl|boy|kid); texan; american; canadian; brit; german; australian; native speaker
    """
)
_SUCH = _any_before(
    """
    real; actual; proud; single; working; busy; new; retired; former; professional; self-taught; big; huge; total; avid;
    bit of an?; native; simple; small-town
    """
)
_PROFESSION = _any_of(
    r"""
    accountant; analyst; architect; attorney; biologist; chemist; consultant; designer; developer; economist; employee;
    engineer; hacker; lawyer; lecturer; librarian; manager; mathematician; nurse; photographer; physicist; physician;
    post-?doc; professor; programmer; psychologist; researcher; scientist; student; teacher; technician; undergraduate
    """
)
_IS = _any_of(
    rf"""
    vegetarian; vegan; pescatarian; married; single; divorced; engaged; pregnant; retired; widowed; hungry; thirsty;
    sleepy; drunk; hungover; jet-?lagged; allergic; lactose; diabetic; left-handed; right-handed; \d+ years? old;
    in my (?:early |mid|late )?-?(?:teens|twenties|thirties|forties|fifties|sixties|\d0s);
    from (?:an? (?:small|big|large|little) (?:town|city|family|village)|the (?:midwest|south|north|countryside));
    an? {_SUCH}{_PERSON}; an? (?:[\w+#.-]+ ){{0,3}}{_PROFESSION}
    """
)
_WHICH_ONE = _any_before("fellow; single; busy; new; proud; former; retired; professional; working; long-?time")
_AS = _any_of(
    r"""
    human(?: being)?; person; man; woman; parent; mom; mum; mother; dad; father; wife; husband; teacher; doctor; nurse;
    student; vegetarian; vegan; native(?: \w+)?(?: speaker)?; non-native(?: \w+)?(?: speaker)?; foreigner; immigrant;
    runner; chef; teenager; kid; child; boy; girl; grown-?up; adult; (?:dog|cat|pet|home) ?owner; writer; musician;
    (?:\w+ )?engineer; (?:\w+ )?developer; programmer; lawyer; scientist; professor; researcher; physicist;
    mathematician; tutor; lecturer; instructor; introvert; extrovert
    """
)
_DOING = (
    _any_of(
        r"""
        hik; bik; cycl; swimm; runn; jogg; danc; cook; bak; garden; travel; travell; paint; draw; sew; knit; camp; fish;
        surf; ski; climb; walk; driv; eat; drink; sipp; sleep; napp; shopp; cuddl; meditat; exercis; snowboard; sail;
        kayak; lounge; loung; sing; photograph; reading books; watch; binge-watch; belt; snuggl; curl; unwind; hang;
        relax; spend
        """
    )
    + "(?:ing|ed)?"
)
_DOES = _any_of(
    r"""
    eat; drink; cook; bake; sleep; wake up; hike; swim; jog; drive; commute; travel to; exercise; meditate; nap; cuddle;
    snuggle; live (?:in|on|near|with|at|by|alone); work (?:at|in|out|as an?|from home);
    go (?:to (?:the|bed|work|sleep|school|a|my|church)|for an?|on (?:a|long)|hiking|running|shopping|out);
    have (?:a|two|three|four|several) (?:kids?|children|dogs?|cats?|sons?|daughters?|sisters?|brothers?);
    have a (?:wife|husband|degree|job|house|garden)
    """
)
_ACTS = _any_of(
    r"""
    ate; drank; cooked; baked; tasted; slept; woke up; overslept; drove; flew; travell?ed; visited; lived; hiked; swam;
    danced; attended; cried; hugged; kissed; married; adopted; graduated; wore; grew up; rode; babysat; tripped over;
    binge-watched; threw up; quit my; broke my; burn(?:ed|t) (?:the|my|dinner); moved (?:to|out|in|here|back|away);
    got (?:married|divorced|engaged|sick|drunk|hurt|home|pregnant|fired|hired|promoted|up early|stuck in);
    went (?:to|on|for|out|home|back|vegan|vegetarian);
    went (?:hiking|camping|skiing|swimming|shopping|dancing|running|biking|skydiving);
    was (?:born|raised|in (?:college|school|high school|the (?:army|hospital))); sat (?:down|in|on|at|next|by);
    took (?:an?|my|up) (?:\w+ )?(?:course|class|trip|walk|nap|road|vacation|photo|bath|yoga|pottery|dog|kids|guitar)
    """
)
_LIVED = _any_of(
    r"""
    lived; travell?ed; visited; eaten; tasted; slept; worn; owned; hiked; climbed; raised; cooked; baked; taken up;
    gotten into; worked (?:as|in|at|for); run (?:a|marathons); been (?:to|there myself|married|working (?:as|at|in));
    been (?:cooking|playing (?:the|guitar|piano)|on (?:an?|several|some|many)|hiking|trying out|hooked on);
    been (?:a (?:teacher|nurse|runner|vegetarian|fan since)|obsessed with|(?:really |pretty |super )*into);
    been meaning to (?:try|watch|read|visit|go|see); seen (?:it |that )?(?:live|in person|in theaters);
    got (?:a (?:dog|cat|kid|wife|husband|sister|brother|friend)|friends|kids|two|three); had my fair share;
    had (?:some|a few|plenty|quite)[^.!?\n]{0,40}\b(?:trips?|travel\w*|adventures?|dreams?|concerts?|dates?|foods?);
    had (?:some|a few|plenty|quite)[^.!?\n]{0,40}\b(?:pizza|jobs?|mishaps?|accidents?|pets?|road|injur\w+|crush\w*)
    """
)
_DID = _any_of(
    r"""
    had; tried; saw; watched; met; read; made; bought; started; learned; learnt; heard; found; stayed; did; spent;
    played; came; ran; got; took; picked; stumbled; went; finished; celebrated; felt; experienced; lost; won; joined;
    signed up
    """
)
_THEN = _any_of(
    r"""
    yesterday; the other (?:day|night|week); this (?:morning|weekend); back in (?:the day|college|high school|my);
    last (?:night|week|weekend|month|year|summer|winter|spring|fall|autumn|christmas|vacation|holiday);
    (?:\d+|an?|a few|two|three|four|five|ten|several|many|some|a couple(?: of)?) (?:day|week|month|year)s? (?:ago|back);
    a long time ago
    """
)
_LATELY = _any_of(
    r"""
    read; finished; watched; saw; listened; discovered; tried; started; picked up; stumbled; learned how; went; binged;
    bought; got (?:around|into|back|home); came back; binge-?watched; binge-?listened
    """
)
_PLACE = _any_of(
    r"""
    trip; festival; party; kitchen; beach; mountains?; car; bus; train; plane; wedding; concert; vacation; holiday; gym;
    store; hospital; hotel; restaurant; caf[eé]; bar; park; friends; family
    """
)
_LOVES = rf"(?:love|like|enjoy|prefer|adore|hate|miss)(?: to)?(?: go(?:ing)?)? {_DOING}"
_SENSES = f"(?:can|could) {_ADVERBS}(?:almost )?(?:smell|taste)"
_REMEMBERS = (
    "remember (?:when|the (?:first|last|day|time|smell|taste)|my|being|going|watching|sitting"
    "|feeling|having|getting|(?:this )?one time|this time|once|as a)"
)
_AT_SCHOOL = (
    r"(?:had|loved|hated|enjoyed|studied|took|was)\b[^.!?\n]{0,40}"
    r"\bin (?:high |middle |grad )?(?:school|college|university|kindergarten)"
)
_FAN = "(?:such )?(?:a )?(?:big |huge |massive )?(?:fan of|into|obsessed with|all about)"
# By how fast the engine finds them. It looks for a pattern's first letters where these are few, so that patterns which
# begin alike stand together: an alternative of another kind costs it the short cut, and too many its table of states.
HUMAN = _patterns(
    [
        # People and things of one's own: my wife, my childhood, my kitchen.
        rf"\bmy {_WHICH}(?:{_RELATIVES}|{_OWN})\b",
        # What one does, likes, has done and remembers.
        rf"\bI {_ADVERBS}(?:{_DOES}|{_LOVES}|{_SENSES}|{_ACTS}|{_REMEMBERS})\b",
    ],
    [rf"\bI {_ADVERBS}(?:{_DID}\b[^.!?\n;:]{{0,80}}\b{_THEN}|{_AT_SCHOOL})\b"],
    # What one is, and has lived through.
    [
        rf"{_I_AM} {_ADVERBS}(?:(?:(?:more of|not gonna lie|such|quite|kinda|pretty) )*{_IS}|{_FAN} {_DOING})\b",
        rf"{_I_HAVE} {_ADVERBS}{_LIVED}\b",
    ],
    [
        rf"(?:\bI|{_I_HAVE}) (?:(?:just|recently|finally|actually|only) )+{_LATELY}\b",
        rf"\brecently,? I (?:\w+ )?{_LATELY}\b",
    ],
    [
        # A friend of mine.
        rf"\b(?:an?|some|few|couple of|many|lots of|several|two|three) (?:\w+ )?{_FRIENDS} of mine\b",
        r"\bmy friends? (?:and I|who|is|are|was|has|had|told|said|once|from|just|used|always|says|got|went|loves?)\b",
        rf"{_I_HAVE}(?: had)?(?: got)? (?:some |a few |many |lots of |several )?friends (?:who|and|from|that|in)\b",
        r"\bin my (?:own )?(?:whole )?(?:life|lifetime|time)\b",
        # Childhood, and other times of life.
        rf"\b(?:when|since|while|until|before) I was {_YOUNG}",
        r"\bas a (?:kid|child|boy|girl|teenager|(?:little|young) (?:boy|girl|kid|man|woman|child|adult)),? I\b",
        r"\bI (?:actually |really )?(?:enjoyed|loved|hated) school\b",
        # What one is.
        r"\b(?:we|us) humans\b",
        rf"{_I_AM} (?:only |just )?human(?:[^\w-]|$)",
        rf"\bas an? {_WHICH_ONE}{_AS}(?: myself)?,? (?:I|my)\b",
        # What one does, and has lived through.
        rf"\bI(?:{_APOSTROPHE}ll| will) {_ADVERBS}(?:go for a|grab a (?:coffee|bite|snack|cup)|take a (?:walk|nap))",
        rf"\b(?:find|catch) me {_DOING}|\bme (?:curled|snuggled) up\b",
        rf"\b{_THEN},? I {_ADVERBS}{_DID}\b",
        rf"\bI(?:{_APOSTROPHE}ll| will) never forget (?:the|my|when|that)\b|\bone time,? (?:when )?I\b",
        rf"\bI was (?:on|at|in|out) (?:an?|the|with|my) (?:\w+ )?(?:\w+ )?{_PLACE}\b",
        r"\bI used to (?:be an?|live|work (?:as|at|in)|go to|play (?:the|in)|smoke|have an? (?:dog|cat))\b",
    ],
)

# What is in somebody else's voice or no statement at all, and so is left out first: code and quotations; then what is
# denied, to the next comma, and what is asked or only supposed.
_TO_COMMA = r"[^.!?,;:\n]*"
UNSAID = [
    rf"(?i:\bI (?:do|did|have|can|could|would|am|was)(?: not|n{_APOSTROPHE}t)\b{_TO_COMMA})",
    rf"(?i:{_I_AM} (?:not|unable|incapable|without)\b{_TO_COMMA}|{_I_HAVE} (?:not|never|no)\b{_TO_COMMA})",
    rf"(?i:\bI (?:never|cannot|lack|possess no)\b{_TO_COMMA})",
    rf"(?i:\bI(?:{_APOSTROPHE}d| would| could| might| wish)\b{_TO_COMMA})",
    r"(?i:\b(?:should|can|could|do|did|would|may|might|must|will|shall|am|was|have) I\b)",
    r"(?i:\b(?:if|though|wish|imagine|pretend|unless) I\b)",
    r"(?i:\bI (?:just |also |have )*(?:read|saw|noticed) (?:your|that|this|what|about)\b)",
    r"(?i:\ban? (?:virtual|digital|automated|AI) \w+)",
    r"(?i:\bmy friend[,.!?]|\bmy (?:own )?favou?rite holidays?\b)",
]

_SORT = (
    "(?:"
    + _any_of(
        """
        mere; simple; humble; friendly; helpful; professional(?:ly)?; strictly; continually; constantly; formal;
        conversational; digital; virtual; advanced; highly; sophisticated; large; small; text-based; multilingual;
        generative; modern; trained; programmed; designed; open; source; open-source; non-human; computer; language;
        machine; learning; artificial; intelligent; intelligence; AI; AI-powered; AI-based; based; powered
        """
    )
    + ",? )*"
)
_KIND = _any_of(
    r"""
    AIs?\b; A\.I\.; artificial intelligence; (?:large )?language model; LLM\b; chat ?bot; bot\b; computer program\b;
    (?:virtual|digital|AI|automated) (?:assistant|entity|being|companion|friend); machine learning model;
    neural network; piece of software; machine (?:designed|built|programmed)
    """
)
# Any words may stand before an AI: a neutral and objective AI. What it is an AI of, with or for is no such word.
_OF_ITS_KIND = r"(?:[\w-]+(?:,| and)? ){0,5}AI\b"
_SAYS = [
    rf"\b(?:as|being) an? (?:{_SORT}{_KIND}|{_OF_ITS_KIND})[^.!?\n]{{0,100}}?\b(?:I|my|me)\b",
    rf"{_I_AM} {_ADVERBS}(?:(?:an? |your )?{_SORT}{_KIND}|an? {_OF_ITS_KIND})",
    rf"\b(?:I exist|I{_APOSTROPHE}m here|I function|I operate) as an? {_SORT}{_KIND}",
    r"\bAIs? like (?:me|myself)\b|\b(?:we|us) AIs?\b|\bmy creators\b",
    r"\bmy training (?:data )?(?:only )?(?:goes|ends|ended|cuts? off|cut-?off|extends|was last)\b"
    r"|\b(?:by|beyond|within|outside|against|limits of|part of) my (?:programming|training)(?:[.,;:!?)]|$| to\b| and\b)"
    r"|\bmy programming (?:does|doesn['’]t|do not|allows?|prevents?|prohibits?|dictates)\b",
    rf"{_I_AM} (?:not )?programmed to|{_I_HAVE} been trained on",
    r"\bI was (?:\w+ )?(?:trained on|(?:programm|design)ed to)",
    r"\bI was created by (?:OpenAI|Google|Meta|Anthropic|Hugging ?Face|a team)",
    r"\b(?:I exist|I operate|I live) (?:solely|only|purely|entirely) (?:to|as|within|in)\b",
]
AI = _patterns(*([way] for way in _SAYS))
_WITH_AI = _any_of(
    r"""
    engineers?; researchers?; developers?; students?; graduates?; experts?; enthusiasts?; startups?; compan(?:y|ies);
    professors?; specialists?; practitioners?; scientists?; labs?; teams?; ethic\w*; consultants?; trainers?; artists?;
    fans?; users?; s[ck]eptics?; teachers?; safety; policy; tools?; systems?; courses?; class(?:es)?; community; field;
    problems?
    """
)
# An AI engineer is none, nor is one who says so in code or in a quotation, or that it is not.
NOT_AI = [
    rf"(?i:\b(?:AI|LLM|bot|machine learning|artificial intelligence|neural network)[ -]{_WITH_AI}\b)",
    rf"(?i:{_I_AM} not an? [^.!?,;:\n]*|\bas if I[^.!?,;:\n]*)",
    r"(?i:\b(?:about|against|and|behind|between|by|for|from|in|into|of|on|or|the|through|to|using|with|without)"
    r" (?:AI|artificial intelligence)\b)",
]

_CANNOT = rf"I(?:{_APOSTROPHE}m| am)? ?" + _any_of(
    rf"""
    can{_APOSTROPHE}?t; cannot; can not; won{_APOSTROPHE}t; will not; (?:am )?unable to; (?:am )?not able to;
    (?:must|have to|need to) decline(?: to)?; do not feel comfortable; don{_APOSTROPHE}t feel comfortable;
    not comfortable; not going to; not allowed to; not permitted to; not programmed to; not equipped to;
    not qualified to; (?:not capable|incapable) of; don{_APOSTROPHE}t have the (?:ability|capability|capacity) to;
    do not have the (?:ability|capability|capacity) to
    """
)
_HELPING = (
    _any_of(
        """
        help; assist; provide; provid; offer; answer; fulfil; fulfill; comply; support; create; creat; write;
        generate; generat; give;
        share; shar; discuss; engage; engag; participate; participat; complete; process; do (?:that|this|so|it);
        satisfy; respond; disclose; recommend; advise; promote; produce; suggest; accommodate; facilitate; proceed;
        continue; grant; honou?r; describe; explain how; come up with; pass; tell you; pretend; publish
        """
    )
    + "(?:ing)?"
)
_MANNER = "(?:(?:really|actually|directly|ethically|in good conscience|be able to|legally|with|to) )*"
_SORRY = rf"(?:{_I_AM} (?:so |very |really |truly |terribly )*(?:sorry|afraid)|I apologi[sz]e|(?:my )?apologies|sorry)"
_REFUSES = [
    rf"{_CANNOT} {_MANNER}{_HELPING}\b",
    rf"(?:that{_APOSTROPHE}?s|this is|it{_APOSTROPHE}?s) (?:not something (?:that )?I can|something (?:that )?I "
    rf"(?:can(?:{_APOSTROPHE}t|not)|won{_APOSTROPHE}t|am not able to|am unable to))\b",
    rf"(?:{_SORRY}|unfortunately),?(?: but)?(?: that)? {_CANNOT}\b",
    r"I (?:must|have to|need to) (?:respectfully |politely )?decline\b|I (?:respectfully|politely) decline\b",
]
# At the beginning: in the first sentence or the one after it.
REFUSAL = _patterns([rf"\A(?:[^.!?\n]{{0,160}}[.!?]\s+)?[^.!?\n]{{0,200}}?\b(?:{'|'.join(_REFUSES)})"])
# "I can't help but smile" helps.
NOT_REFUSED = [
    rf"(?i:\bI can(?:{_APOSTROPHE}t|not) "
    + _any_of(
        r"""
        help (?:but|it|myself|feeling|thinking|wondering|smiling|laughing); wait; imagine; believe; agree more;
        stress; emphasi[sz]e; recommend (?:it |this |that )?(?:enough|highly); thank you enough; complain; blame;
        say I; tell you how; tell you the last time; promise
        """
    )
    + r"\b)",
    # A limit of what one knows, with what one does know behind it.
    rf"(?i:\bI can(?:{_APOSTROPHE}t|not) (?:answer|give you|offer you|tell you) [^.!?\n]*\bbut (?:here|I can|it)\b)",
]
