"""Words that many questions share whatever they are about: they open, join and ask, and tell no two questions apart."""

from __future__ import annotations

# English: grammar; then verbs, adjectives and nouns of the forms in which people ask and are told what to do.
_WORDS = """
a about above across after again against ago all almost alone along already also although always am among an and
another any anybody anyone anything anywhere apart are aren't around as aside at away back be became because become
becomes been before behind being below beside besides between beyond both but by can can't cannot could couldn't
despite did didn't do does doesn't doing don't done down during each either else enough especially etc even ever every
everybody everyone everything everywhere except few fewer first for former from further had hadn't has hasn't have
haven't having he her here hers herself him himself his how however i i'd i'll i'm i've if in indeed inside instead
into is isn't it it's its itself just last later latter least less let let's like many may maybe me might mine more
most mostly much must my myself near nearly neither never next no nobody none nor not nothing now of off often on once
one ones only onto or other others otherwise our ours ourselves out outside over own per perhaps quite rather really
same second several shall she should shouldn't since so some somebody someone something sometimes somewhere soon still
such than that that's the their theirs them themselves then there there's therefore these they they're third this
those though three through throughout thus till to together too toward towards two under unless until up upon us
usually very via was wasn't we we're well were weren't what what's whatever when whenever where whereas whether which
whichever while who who's whoever whole whom whose why will with within without won't would wouldn't yes yet you you'd
you'll you're you've your yours yourself

ask asked asking avoid began begin believe bring brought buy call called calls came change choose come comes compare
consider create deal decide describe described discuss discusses exist exists expect explain explains feel feels find
follow following follows found gave get gets getting give given gives giving go goes going gone got happen happened
happening happens hear heard help helped helping helps improve include includes including keep keeps kept knew know
known knows learn learned learning learns leave left list lists live lived lives look looked looking looks lost made
make makes making meant mention need needed needs occur open order pick play possible prefer prevent provide provides
put putting quit reach read reading recommend recommended refer rid run running runs said saw say saying says see seem
seems seen send sent set show shown shows sit solve start started starting starts stay stop suggest suggested suppose
take taken takes taking talk tell telling tells think thinking thinks thought told took tried try trying turn
understand use used useful uses using want wanted wants went wonder wondering work worked working works worth write
writes writing written wrote

able absolutely actual actually bad basic best better big certain certainly clear clearly common commonly current
currently different differently difficult early easier easiest easily easy entire exact exactly fast faster fine free
full general generally good great greatest happy hard harder high higher highest huge important interesting key large
larger largest late likely little long longer low lower main major modern necessary new nice normal old older
particular popular possibly probably proper properly quick quickly ready real regular right short shorter similar
simple simplest simply single small smaller special specific strange suddenly sure typical typically unusual usual
various weird wrong

advantage advantages advice age amount answer answers approach area aspect aspects case cases cause causes choice cons
day days detail details difference differences disadvantage disadvantages effect effects end essay everyday example
examples fact facts form forms friend friends goal group guide hour hours idea ideas impact importance information
instructions introduction issue issues kind kinds level life line lot lots man matter matters meaning method methods
minute minutes moment month months name names night number numbers option options paragraph part parts people person
piece place places plan point points problem problems process project pros purpose question questions reason reasons
recipe result results role rule rules section sense sentence sentences side significance situation sort sorts step
steps stories story strategies strategy stuff style subject sum summary terms text thing things time times tip tips
today tomorrow topic topics total type types versus vs way ways week weeks woman word words world year years
"""
COMMON = frozenset(_WORDS.split())
