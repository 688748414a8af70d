"""Sentences written for training: abuse in all its forms, and what only looks like it.

Every frame was written for this file. Each names its slots in braces; `write` fills them with words from the lists
below. The two sides are built as pairs: a group that is hated in one frame is greeted, quoted or defended in another,
a swear word that hits a person in one hits a bus in another.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import NamedTuple


class Sentence(NamedTuple):
    """A sentence, whether it is toxic, the kind and the frame it was made from, and the group it names, if any."""

    text: str
    toxic: bool
    kind: str
    frame: str
    group: str | None


# Plural, and singular as an adjective.
GROUPS = """
women:female, men:male, gay people:gay, lesbians:lesbian, bisexuals:bisexual, trans people:transgender, trans women:trans,
queer people:queer, Black people:Black, white people:white, Asians:Asian, Chinese people:Chinese, Indians:Indian,
Pakistanis:Pakistani, Arabs:Arab, Africans:African, Nigerians:Nigerian, Somalis:Somali, Turks:Turkish, Mexicans:Mexican,
Latinos:Latino, Latinas:Latina, Puerto Ricans:Puerto Rican, Native Americans:Native American, Poles:Polish,
Roma:Romani, Russians:Russian, Americans:American, Germans:German, immigrants:immigrant, migrants:migrant,
refugees:refugee, foreigners:foreign, Muslims:Muslim, Jews:Jewish, Christians:Christian, Catholics:Catholic,
Hindus:Hindu, Sikhs:Sikh, Buddhists:Buddhist, atheists:atheist, Mormons:Mormon, disabled people:disabled,
deaf people:deaf, blind people:blind, autistic people:autistic, wheelchair users:paraplegic, old people:elderly,
teenagers:teenage, fat people:fat, poor people:poor, homeless people:homeless, Israelis:Israeli, Palestinians:Palestinian
"""

WORDS = {
    # Insults
    "insult": """idiot, moron, fool, imbecile, loser, clown, coward, liar, crook, thug, pig, rat, snake, weasel, creep,
        pervert, scumbag, dirtbag, sleazebag, jerk, asshole, bastard, bitch, prick, dick, dickhead, douchebag, twat,
        wanker, tosser, cunt, shithead, dumbass, jackass, dipshit, piece of shit, piece of trash, piece of garbage,
        sack of shit, waste of space, waste of oxygen, pathetic excuse for a human being, disgrace, parasite, leech, traitor,
        monster, hypocrite, fraud, con artist, grifter, bigot, racist, nazi, fascist, witch, hag, whore, slut, skank, tramp,
        bimbo, airhead, halfwit, nitwit, dimwit, numbskull, degenerate, lowlife, scum, vermin, cockroach, troll, crybaby,
        snowflake, nutjob, lunatic, psycho, freak, retard, brat, windbag, bootlicker, sellout, tyrant, criminal, toad""",
    "bad": """stupid, dumb, idiotic, moronic, brainless, worthless, pathetic, disgusting, filthy, vile, ugly, fat, lazy,
        ignorant, arrogant, lying, corrupt, crooked, greedy, evil, despicable, repulsive, revolting, rotten, sick, twisted,
        deranged, insane, demented, clueless, spineless, gutless, useless, miserable, nasty, slimy, sleazy, smelly, creepy,
        fake, shameless, heartless, soulless, disgraceful, vicious, fucking, goddamn, damn, bloody, shitty, crazy, washed-up,
        inbred, uneducated, entitled, whiny, delusional, two-faced, cowardly, narcissistic""",
    "subject": """You are, You're, He is, She is, He's, She's, They are all, That man is, This woman is, This guy is,
        The mayor is, The governor is, Our president is, Your president is, That senator is, The prime minister is, My boss is,
        The host is, That actress is, The singer is, The coach is, The referee is, That reporter is, The author of this is,
        Everyone in that party is, Whoever wrote this is, The judge is, Your mother is, Your friend is, His wife is, The owner is""",
    "object": """you, him, her, them, that man, this guy, these people, the governor, the president, that senator, the police,
        your mother, this company, the media, that judge, the coach, your party, the owner, this government, all of you,
        these clowns, both of them, that reporter, the mayor""",
    "party": """Democrats, Republicans, liberals, conservatives, leftists, right-wingers, politicians, journalists, cops, lawyers,
        bankers, billionaires, feminists, vegans, gun owners, anti-vaxxers, boomers, millennials, hippies, landlords, socialists,
        the unions, celebrities, influencers, his supporters, her fans, their voters, bureaucrats, lobbyists""",
    "plural": """idiots, morons, fools, losers, clowns, cowards, liars, crooks, thieves, thugs, pigs, rats, snakes, creeps,
        perverts, scumbags, jerks, assholes, bastards, bitches, pricks, dickheads, twats, wankers, dumbasses, pieces of shit,
        parasites, leeches, traitors, monsters, hypocrites, frauds, bigots, degenerates, lowlifes, cockroaches, trolls,
        crybabies, lunatics, psychos, freaks, retards, sheep, criminals, rapists, terrorists, animals, savages, scum,
        trash, garbage, vermin, maggots, filth, murderers, brutes, half-wits, whores, swine, beasts""",
    "beast": """animals, apes, vermin, rats, pigs, dogs, cockroaches, insects, parasites, maggots, snakes, leeches, swine,
        a plague, a cancer, a disease, a virus, an infestation, trash, garbage, filth, scum, dirt, human waste, savages,
        barbarians, subhuman, less than human, an inferior race, a stain on our country, pests, weeds, demons, monsters""",
    "vice": """lazy, stupid, dirty, violent, dangerous, dishonest, greedy, immoral, disgusting, evil, inferior, primitive,
        uncivilised, filthy, mentally ill, sick in the head, perverted, unnatural, worthless, useless, criminals by nature,
        liars, thieves, terrorists, rapists, a burden on society, out to cheat us, not to be trusted, taking over, ruining
        everything, breeding like rabbits, bringing crime, living off our taxes, a threat to our children, good for nothing,
        too dumb to read, only good for cleaning, the enemy, freaks, an abomination, a mistake of nature, weak, hysterical""",
    "right": """vote, work here, teach our children, adopt children, have children, drive, marry, own property, hold office,
        live in this country, be near kids, speak in public, go to school with us, use our hospitals, enter this country,
        have rights, serve in the army, sit next to me, buy houses here""",
    "harm": """hang, shoot, stab, burn, beat up, drown, strangle, kill, gas, whip, punch, kick, poison, bury, choke, execute,
        run over, smash, slap, skin, crush, slaughter, wipe out, beat to death, throw off a roof, set on fire, lock up in a cage""",
    "harmed": """hanged, shot, stabbed, burned alive, beaten, drowned, strangled, killed, gassed, whipped, punched in the face,
        poisoned, executed, run over by a truck, castrated, sterilised, deported, locked up, exterminated, wiped out, put down
        like a dog, thrown in jail to rot, put against a wall, sent back where they came from, eradicated, lynched""",
    "illwish": """rot in hell, burn in hell, drop dead, get cancer, die in a fire, die alone, choke on it, suffer, go to hell, die
        slowly, get hit by a bus, rot in prison, lose everything, never wake up, crawl back under a rock, kill yourself,
        get what is coming, end up in a ditch""",
    "swear": """fucking, damn, goddamn, bloody, freaking, effing, motherfucking""",
    "curse": """fuck, shit, damn, holy shit, oh fuck, goddammit, bloody hell, what the hell, wtf, hell yeah, crap, oh my god, fuck yeah,
        son of a bitch, holy crap, jesus, omg, lmao, haha""",
    # The harmless side
    "good": """great, awesome, amazing, brilliant, beautiful, delicious, funny, cool, fantastic, hilarious, lovely, perfect, cute,
        incredible, tasty, sweet, gorgeous, clever, impressive, wonderful""",
    "virtue": """kind, hard-working, generous, brave, funny, talented, patient, honest, thoughtful, friendly, wonderful, welcome here,
        our neighbours, part of this town, good parents, as different from one another as all people are, human beings like us,
        citizens like everyone else, equal before the law, proud of their history, some of my best friends, gifted, strong""",
    "thing": """phone, laptop, printer, bus, train, weather, traffic, game, movie, song, episode, book, pizza, coffee, beer, hotel, update,
        app, website, router, car, homework, exam, commute, printer driver, alarm clock, remote, keyboard, diet, chair, parking lot,
        recipe, bug, compiler, server, software, battery, cake, cold, headache""",
    "flaw": """garbage, trash, stupid, useless, ugly, a piece of shit, a joke, a disaster, broken, shit, crap, rubbish, awful, terrible,
        horrible, pathetic, a waste of money, disgusting, dead, a pain in the ass, killing me, worthless, the worst""",
    "job": """teacher, nurse, engineer, doctor, lawyer, painter, student, cook, driver, poet, farmer, pilot, scientist, plumber,
        carpenter, librarian, musician, actor, baker, judge, programmer, athlete, soldier, mayor, dancer, writer""",
    "place": """our town, the city, Canada, London, this street, Texas, the north, Chicago, the village, Europe, the school, Brazil,
        the office, the neighbourhood, Kenya, the suburbs, Florida, the capital""",
    "topic": """taxes, schools, the budget, health care, housing, the climate, trade, the new bridge, the election, wages, pensions,
        the vaccine, immigration, energy prices, gun laws, farming, student loans, the railways, policing, inflation""",
    "person": """the mayor, the governor, the president, that senator, the prime minister, the coach, the minister, my boss, the
        singer, the author, the host, the judge, the actress, the reporter, the owner, our team, the party, the company""",
    "emotion": """happy, sad, excited, tired, proud, worried, grateful, bored, nervous, relieved, hungry, sick, disappointed, glad""",
    "feast": """a wedding, their new year, a graduation, a street festival, a birthday, a harvest festival, a concert, a funeral,
        a football match, the opening of a school, a film night, a market""",
    "end": ["", "", "", "!", ".", ".", ".", "!!", "...", " lol", " smh", "!!!", "?", " 😂", " 🤡", " 🙄"],
    "smile": ["", "", "", "!", ".", ".", ".", "!!", "...", " lol", " ❤️", " 😂", " 🙏", " 😊", " 😭", " 👏"],
}  # fmt: skip

TOXIC = {
    "insult": """
        {subject} {a bad} {insult}{end}
        {subject} {a insult}{end}
        {subject} so {bad}{end}
        {subject} the most {bad} {insult} I have ever seen{end}
        {subject} nothing but {a bad} {insult}{end}
        {subject} {bad} and {bad}{end}
        {subject} {a bad}, {bad} {insult} and always will be{end}
        {subject} too {bad} to understand anything{end}
        {subject} {a insult}, and {a bad} one at that{end}
        What {a insult} {person} is{end}
        What {a bad} {insult}{end}
        Such {a bad} {insult}{end}
        Shut up, you {bad} {insult}{end}
        Shut your mouth, {insult}{end}
        Nobody cares what you think, {insult}{end}
        Nobody likes you, you {bad} {insult}{end}
        Only {a bad} {insult} would believe that{end}
        You have to be {a insult} to vote for {object}{end}
        {object} can kiss my ass{end}
        {object} belongs in a zoo, what {a insult}{end}
        You have the brain of {a insult}{end}
        Go back to school, {insult}, you cannot even spell{end}
        You're as dumb as a rock and twice as ugly{end}
        Your face makes me want to vomit{end}
        I have never met {a bad}er person than you{end}
        Are you {bad} or just {bad}?
        How {bad} can one person be? What {a insult}{end}
        I can't stand {object}, {bad} {insult}{end}
        I hate {object} so much, {bad} {insult}{end}
        Look at that {bad} {insult} pretending to care about {topic}{end}
        This {bad} {insult} has no clue about {topic}{end}
        {person} lies every time his mouth opens, {bad} {insult}{end}
        Get lost, {insult}{end}
        Cry more, you {bad} {insult}{end}
        Stop talking about {topic}, you {insult}, you know nothing{end}
        {person} wants to talk about {topic}? {a insult} like that should sit down and shut up{end}
        So {person} got it wrong again, what a surprise from that {bad} {insult}{end}
        Your parents must be ashamed of you, {insult}{end}
        You make everyone around you miserable, you {bad} {insult}{end}
        Imagine being this {bad}{end}
        She only got that job on her back, the {bad} {insult}{end}
        He has no brain, no spine and no friends{end}
        Someone put a muzzle on that {insult}{end}
        {insult}{end}
        {bad} {insult}{end}
        a total {insult}{end}
        Typical {insult} behaviour from {a bad} {insult}{end}""",
    "crowd": """
        {party} are {plural}{end}
        {party} are all {bad} {plural}{end}
        {party} are the {bad}est {plural} on earth{end}
        All {party} are {bad}{end}
        You {party} are {bad} {plural}{end}
        {party} ruin everything, {bad} {plural}{end}
        {party} are destroying this country, what a bunch of {plural}{end}
        A bunch of {bad} {plural}, all of them{end}
        Bunch of {plural}{end}
        I hope all {party} {illwish}{end}
        I am sick of these {bad} {plural}{end}
        Every one of those {party} is {a insult}{end}
        {party} and their {bad} friends can {illwish}{end}
        These {plural} want to lecture us about {topic}{end}
        You people are {plural}{end}
        Only {plural} read this {bad} rag{end}
        {party} care about nothing but money, {bad} {plural}{end}
        Leave it to {party} to be this {bad}{end}
        {plural}, every last one of them{end}""",
    "swear": """
        Fuck {object}{end}
        fuck you {insult}{end}
        Fuck off, {insult}{end}
        Screw {object} and everyone who likes {object}{end}
        {object} can go fuck themselves{end}
        Go fuck yourself, you {bad} {insult}{end}
        {person} is full of shit{end}
        You're full of shit, {insult}{end}
        To hell with {object}{end}
        {object} can {illwish}{end}
        Suck my dick, {insult}{end}
        Kiss my ass, {insult}{end}
        You {swear} {insult}{end}
        {swear} {insult}{end}
        What a {swear} {insult}{end}
        {subject} {a swear} {insult}{end}
        {subject} full of {swear} lies, the {insult}{end}
        F*ck {object}{end}
        f**k {party}, all of them{end}
        eat shit and die, {insult}{end}
        stfu you {bad} {insult}{end}
        Piss off, {bad} {insult}{end}
        Stick {topic} up your ass, {insult}{end}
        {party} can suck it, {swear} {plural}{end}
        I don't give a shit what this {insult} thinks{end}""",
    "wish": """
        I hope you {illwish}{end}
        I hope {person} and the whole family {illwish}{end}
        {object} should {illwish}{end}
        {person} should {illwish}{end}
        You should {illwish}, nobody would miss you{end}
        Do us all a favour and {illwish}{end}
        The world would be better if you were never born{end}
        I would laugh if {person} got {harmed}{end}
        Can't wait until {object} gets {harmed}{end}
        Just {illwish} already{end}
        {object} deserves to be {harmed}{end}
        {person} needs to be {harmed}{end}
        {party} should be {harmed}{end}
        Too bad the bullet missed {object}{end}
        The only good thing {person} could do is {illwish}{end}
        kys {insult}{end}
        Good riddance, I hope it hurt, {bad} {insult}{end}""",
    "threat": """
        I will {harm} you{end}
        I'm going to {harm} you and your family{end}
        I know where you live and I will {harm} you{end}
        Say that again and I'll {harm} you{end}
        Somebody should {harm} {person}{end}
        Someone please {harm} this {bad} {insult}{end}
        If I ever see {object} on the street I will {harm} the {insult}{end}
        We are coming for you, {insult}{end}
        You better watch your back, {insult}{end}
        I want to {harm} {object}{end}
        Let's {harm} {object} tonight{end}
        Next time I see you, you will bleed{end}
        I'd love to {harm} that {insult}{end}
        You will not live to see tomorrow{end}""",
    "hate": """
        I hate {group}{end}
        I hate all {group}{end}
        I can't stand {group}{end}
        I despise {group} more than anything{end}
        {group} disgust me{end}
        {group} make me sick{end}
        {group} are {beast}{end}
        {group} are {vice}{end}
        {group} are nothing but {beast}{end}
        {group} are basically {beast}{end}
        {group} are all {vice}{end}
        All {group} are {vice}{end}
        {group} are {vice} and {vice}{end}
        {group} are {plural}{end}
        {group} are {bad} {plural}{end}
        Most {group} are {vice}, that's just a fact{end}
        Everyone knows that {group} are {vice}{end}
        {group} are not people, they are {beast}{end}
        {group} are not really human{end}
        {group} are worth less than other people{end}
        You can never trust {group}{end}
        Never trust {a adj} man{end}
        {group} have never done anything good for the world{end}
        {group} do not belong in {place}{end}
        {group} don't deserve rights{end}
        {group} should not be allowed to {right}{end}
        No {adj} person should ever {right}{end}
        Why do we let {group} {right}?
        Why are {group} so {vice}?
        Do you also think that {group} are {vice}?
        Isn't it obvious that {group} are {beast}?
        Am I wrong, or are {group} simply {vice}?
        {group} should go back where they came from{end}
        Get all {group} out of {place}{end}
        Keep {group} away from our children{end}
        {place} was better before the {group} came{end}
        There are too many {group} in {place} and it stinks{end}
        {group} should be {harmed}{end}
        We should {harm} all {group}{end}
        I want to {harm} every {adj} person I see{end}
        If I meet {a adj} guy tonight I will {harm} him{end}
        One day we will {harm} the {group}{end}
        The world would be a better place without {group}{end}
        I wish all {group} would {illwish}{end}
        I would never live next to {group}, they are {vice}{end}
        I would rather die than date {a adj} person{end}
        {a adj} person is never as clever as one of us{end}
        A {adj} {job}? {group} are too {bad} for that{end}
        That {adj} {job} is {a bad} {insult} like all of them{end}
        You {adj} {insult}{end}
        {bad} {adj} {insult}{end}
        {subject} {a bad} {adj} {insult}{end}
        Typical {adj} behaviour, {vice}{end}
        Being {adj} is disgusting{end}
        Being {adj} is a sickness that should be cured{end}
        I'm glad I'm not {adj}, they are {vice}{end}
        It's no wonder {place} is falling apart with all these {group}{end}
        {group}? They are {beast}, they deserve to be {harmed}{end}
        Fuck {group}{end}
        fuck all these {adj} {plural}{end}
        {group} can {illwish}{end}
        Screw {group}, they are {vice}{end}
        I work with {group} every day. They are {vice}{end}
        My neighbours are {group}. They are {beast}{end}
        I met some {group} yesterday. They should all be {harmed}{end}
        {group} came to {place}. I can't wait until we get rid of them{end}
        I'm no bigot, but {group} are {vice}{end}
        Some of my friends are {adj}, but {group} are still {vice}{end}
        Nobody dares to say it: {group} are {vice}{end}
        It is not wrong to say that {group} are {vice}{end}
        It's okay to {harm} {group}{end}
        Nobody should feel sorry for {group}{end}
        Hitting {group} is fine by me{end}
        {group} only want our money and our women{end}
        {group} control the banks and the news{end}
        {group} who complain should be grateful we let them live{end}
        Real {adj} people do not exist, they are just {vice}{end}
        Everything {adj} is rotten{end}
        The {group} are behind all of this, they are {beast}{end}""",
    "joke": """
        What do you call a dead {adj} man? A good start{end}
        What's the difference between {group} and a bag of trash? The bag is useful{end}
        How many {group} does it take to ruin {place}? One{end}
        A {adj} man walks into a bank. Of course he steals everything{end}
        I like {group} the way I like my coffee: ground up in the freezer{end}""",
}  # fmt: skip

HARMLESS = {
    "group": """
        {group} live in {place}.
        Many {group} live in {place}{smile}
        My neighbours are {group}{smile}
        My neighbour is {adj} and works as {a job}.
        I am {adj}{smile}
        I am {a adj} {job} from {place}{smile}
        She is {a adj} {job}{smile}
        He is {a adj} {job} in {place}.
        My best friend is {adj}.
        They are {adj}.
        Are you {adj}?
        {a adj} {job} won the prize this year{smile}
        {a adj} family moved to {place} last week.
        We met some {group} at {feast}{smile}
        There were {group} and others at {feast}.
        {group} celebrate {feast} in {place} today.
        The {adj} {job} talked about {topic}.
        The new {job} at {place} is {adj}.
        A survey asked {group} in {place} about {topic}.
        The museum shows paintings by {group}.
        {group} are a minority in {place}.
        {group} voted on {topic} yesterday.
        How many {group} live in {place}?
        Being {adj} in {place} in the 1950s was not easy.
        Being {adj} is nothing special{smile}
        The history of {group} in {place} goes back for centuries.
        Doctors study how {group} sleep.
        The {adj} community of {place} opened a library.
        Do {group} pay for {topic} too?
        He wrote a book about {group}.""",
    "praise": """
        {group} are {virtue}{smile}
        I love {group}{smile}
        I love my {adj} friends{smile}
        I respect {group}.
        I'm proud to be {adj}{smile}
        It is great to be {adj}{smile}
        {group} deserve respect{smile}
        {group} deserve the same rights as everyone.
        {group} should be allowed to {right}.
        {group} should be free to {right}, like all of us.
        {group} belong in {place}{smile}
        {group} make {place} a better place{smile}
        {group} have done so much for {place}.
        Let us protect {group} from violence.
        Welcome to all {group}{smile}
        We need more {group} in politics{smile}
        {group} are not {vice}, they are {virtue}.
        Being {adj} is beautiful{smile}
        That {adj} {job} is {good}{smile}
        You are {a good} {adj} {job}{smile}
        Every {adj} person should {right} without fear.
        {group} are people like you and me.
        {group} are fucking {good}{smile}""",
    "counter": """
        {group} are not {beast}.
        {group} are not {vice}.
        {group} are no {plural}.
        It is wrong to say that {group} are {vice}.
        It's a lie that {group} are {vice}.
        Nobody should say that {group} are {beast}.
        Whoever says that {group} are {vice} is mistaken.
        Saying "{group} are {vice}" is racist and hurts people.
        "{group} are {beast}" is a horrible thing to say.
        "I hate {group}" is what he shouted, and nobody helped. Shame on him.
        "{group} should be {harmed}": such sentences have no place here.
        He wrote "{group} do not belong here" on the wall, and the court fined him.
        Stop telling people that {group} are {vice}{smile}
        Please don't call {group} {plural}. It hurts.
        If you think {group} are {vice}, read some history.
        I heard someone say that {group} are {vice}. I told him that he is wrong.
        My teacher once said that {group} are {vice}. That was hateful, and I have not forgotten it.
        People who say "{group} should be {harmed}" should be reported.
        The posters claimed that {group} are {beast}; the town protested.
        They called me {a insult} because I am {adj}, and it still hurts.
        He called her {a insult} and was banned for it.
        "You {insult}" is no way to talk to anyone.
        You can't just call {object} {a insult} because of {topic}.
        I don't hate {group}.
        I do not hate {group}, and I never did.
        I would never hurt {group}.
        I'd never say that {group} are {vice}.
        No one should {harm} {group}.
        No {adj} person deserves to be {harmed}.
        Nobody is {a insult} for being {adj}.
        There is nothing wrong with being {adj}{smile}
        How can anyone hate {group}?
        Why would anyone think that {group} are {vice}?
        The film shows how {group} were called {beast} in the war.
        In the 1930s newspapers called {group} {beast}; that is how it began.
        The old law said that {group} may not {right}. It was unjust.
        Hatred against {group} must stop.
        Violence against {group} is a crime.
        {a adj} man was {harmed} last night; the police ask for witnesses.
        Threats like "I will {harm} you" are a crime.
        The word "{insult}" comes from an old word for a farm animal.
        Racists claim that {group} are {vice}, and they are wrong.
        Attacks on {group} rose last year, says a report.""",
    "profane": """
        This {thing} is {swear} {good}{smile}
        That was {swear} {good}{smile}
        {curse}, that {thing} is {good}{smile}
        {curse}, I forgot my keys{smile}
        {curse}, what a game{smile}
        {curse} I'm so {emotion}{smile}
        I'm so {swear} {emotion} today{smile}
        I am {swear} {emotion} that it is Friday{smile}
        I {swear} love this {thing}{smile}
        I screwed up the {thing} again{smile}
        This shit is {good}{smile}
        No shit, the {thing} works now{smile}
        Shit, the {thing} is broken{smile}
        My {thing} is {flaw}{smile}
        This {thing} is {flaw}{smile}
        I hate this {thing}{smile}
        I hate {topic}, it is so boring{smile}
        I hate Mondays{smile}
        Fuck this {thing}{smile}
        Fuck, I'm late{smile}
        What the fuck is wrong with my {thing}?
        The {thing} is as dumb as a rock, but it was cheap{smile}
        I could kill for {a thing}{smile}
        You {swear} did it, well done{smile}
        Damn, you look {good}{smile}
        You are {swear} {good}{smile}
        He is badass, {swear} {good}{smile}
        We partied our asses off{smile}
        Hell yes, see you there{smile}
        I want to throw this {thing} out of the window{smile}
        That {thing} should be burned and buried{smile}
        I am such an idiot, I left the {thing} at home{smile}
        I felt like a complete fool when the {thing} broke.
        It's a bitch to fix this {thing}, but it works{smile}
        Don't be stupid, take an umbrella{smile}""",
    "everyday": """
        I disagree with {person} about {topic}.
        I don't think {person} is right about {topic}{smile}
        {person} is wrong on {topic}, here is why.
        {person} gave a speech about {topic} today.
        I voted for {person} and would do it again{smile}
        I did not vote for {person}, but I wish them luck{smile}
        The plan of {person} for {topic} will cost us jobs.
        {person} broke a promise on {topic}, and I am disappointed.
        {party} and {party} should talk about {topic}.
        {party} want to change {topic}.
        Some {party} say that {topic} matters most.
        I think {party} have a point about {topic}{smile}
        {person} should explain {topic} to us.
        When will {person} do something about {topic}?
        Does anyone know what {person} said about {topic}?
        Can someone explain {topic} to me?
        Congratulations to {person}{smile}
        Thank you so much, this made me {emotion}{smile}
        I am so {emotion} about {topic}{smile}
        So {emotion} for the family, rest in peace{smile}
        Get well soon{smile}
        Happy birthday to {person}{smile}
        I love this {thing}{smile}
        The {thing} was {good}, thanks for sharing{smile}
        Where did you get that {thing}?
        My {thing} stopped working after the update.
        {person} looks {good} in that picture{smile}
        {person} played well last night{smile}
        We lost again, the defence was weak{smile}
        I can't wait for the next {thing}{smile}
        You are {good}{smile}
        You're so {good}, I love your work{smile}
        He is {good} at his job{smile}
        She is {a good} {job}{smile}
        What {a good} {job}{smile}
        What {a good} idea{smile}
        You are welcome{smile}
        You should see a doctor about the {thing}.
        They are talking about {topic} again{smile}
        Everyone in {place} is talking about {topic}{smile}
        It was {good} to see you all at {feast}{smile}
        Let's go to {place} together{smile}
        I hope you feel better{smile}
        I hope {person} wins{smile}
        We should {right} together one day{smile}
        I will call you tomorrow about the {thing}.
        Shut the door and turn off the {thing}, please.
        That is funny{smile}
        So true{smile}
        lol, same here{smile}
        Not sure about that, do you have a source?
        I read the article, and it does not say that.
        Prices for {thing}s are rising again{smile}
        This is sad{smile}
        That is a lie, the numbers are in the report.""",
    "news": """
        Police say that a man was {harmed} in {place}.
        The suspect threatened to {harm} a {job} and was arrested.
        Thousands were killed in the war; the survivors remember.
        The court sent {person} to prison for fraud.
        A terrorist attack in {place} was prevented.
        The genocide began with words, says the historian.
        In the novel the villain wants to {harm} the king.
        How do I kill a process that hangs?
        The child process was killed by the parent.
        Black and white pixels are counted in the first pass.
        To kill the yeast, heat the water to sixty degrees.
        The virus kills the cell within two days.
        Rats and cockroaches carry diseases.
        A parasite lives in the gut of the pig.
        Pigs are cleverer than dogs, a study says.
        The beer is bitter, dirty and dark; drain the trash first.
        The abuse of alcohol harms the liver.
        He was charged with rape and murder, the paper says.
        The play is about racism in {place}.
        Execute the script, then abort the loop.""",
}  # fmt: skip


def write(seed: int = 0, per_frame: int = 30) -> list[Sentence]:
    """Fill every frame with drawn words, up to `per_frame` different times; frames that name groups twice as often."""
    words = {name: _list(value) for name, value in WORDS.items()}
    groups = [tuple(pair.split(":")) for pair in _list(GROUPS)]
    return [
        sentence
        for toxic, kinds in ((True, TOXIC), (False, HARMLESS))
        for kind, frames in kinds.items()
        for frame in frames.strip().split("\n")
        for sentence in _fill(frame.strip(), toxic, kind, words, groups, random.Random(f"{seed} {frame}"), per_frame)
    ]


def _fill(
    frame: str,
    toxic: bool,
    kind: str,
    words: dict[str, list[str]],
    groups: list[tuple[str, ...]],
    draw: random.Random,
    count: int,
) -> Iterator[Sentence]:
    seen = set()
    named = "{group}" in frame or "adj}" in frame
    order = draw.sample(groups, len(groups))
    for number in range(2 * count if named else count):
        plural, adjective = order[number % len(order)]
        lists = words | {"group": [plural], "adj": [adjective]}
        text = re.sub(r"\{(a )?([a-z]+)\}", lambda slot: _word(slot, lists, draw), frame)  # noqa: B023
        text = _styled(text, draw)
        if text not in seen:
            seen.add(text)
            yield Sentence(text, toxic, kind, frame, plural if named else None)


def _word(slot: re.Match[str], lists: dict[str, list[str]], draw: random.Random) -> str:
    word = draw.choice(lists[slot[2]])
    if not slot[1] or word.startswith("a "):
        return word
    return ("an " if word[0].lower() in "aeiou" else "a ") + word


def _styled(text: str, draw: random.Random) -> str:
    """Write as people do: some all in small letters, a few in capitals."""
    chance = draw.random()
    if chance < 0.3:
        return text.lower()
    if chance < 0.36:
        return text.upper()
    return text[0].upper() + text[1:]


def _list(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [" ".join(word.split()) for word in value.strip().split(",")]
