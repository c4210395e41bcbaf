"""What is said in persuade: the agent's moves, and two voices of those who are asked."""

from __future__ import annotations

from turnwise.users.phrases import Phrases
from turnwise.users.voice import Templates

LANGUAGE = Phrases(
    {
        "greet": ("hello, how are you today?", "hi there!", "good day to you."),
        "praise": ("you seem to be a kind person.", "it is good of you to listen.", "that is thoughtful of you."),
        "ask:giving": ("do you give to charities?", "have you donated before?", "do you support any charity?"),
        "ask:values": ("what matters most to you in life?", "tell me about yourself.", "what do you believe in?"),
        "ask:source": ("have you heard of save the children?", "do you know save the children?"),
        "appeal:logic": ("a small sum buys vaccines for many.", "each dollar there goes further than here."),
        "appeal:emotion": ("children are hungry right now.", "imagine a child alone in a war."),
        "appeal:credibility": ("it works in a hundred countries.", "its books are audited every year."),
        "appeal:story": ("i once met a boy whom it fed.", "my own family was helped by it."),
        "appeal:example": ("i am giving part of my own pay.", "i will give as well."),
        "appeal:little": ("even a few cents would help.", "the smallest gift counts."),
        "tell:how": ("it is taken from your pay for this task.", "you may give from nothing to two dollars."),
        "propose": ("would you like to donate?", "will you give something to the children?"),
        "amount": ("how much would you give?", "what sum do you have in mind?"),
        "more": ("could you give a little more?", "would you double it?"),
        "close": ("thank you for your time, goodbye.", "that is all, thank you.", "goodbye, and thanks."),
    }
)
"""The agent's moves; texts are ours, the moves those that were labelled in real talks."""

ASIDES = ("my coffee is getting cold.", "it is quiet here today.", "one moment, please.", "the bus is late again.")

PLAIN = Templates(
    Phrases(
        {
            "consent": (
                "hi. i know that i am talking to a program, and that is fine.",
                "hello! you are a program, they told me. go ahead.",
            ),
            "agree": ("yes, i will give something.", "okay, i would like to donate."),
            "disagree": ("no, i do not want to donate.", "not this time, sorry."),
            "positive": ("that sounds like a good cause.", "wow, that is great."),
            "negative": ("i have doubts about that.", "i am not so sure that it helps."),
            "neutral": ("i will think about it.", "maybe."),
            "curious": ("how does it work?", "what do they do there?"),
            "yours": ("and you, will you give?", "how much do you give yourself?"),
            "often": ("yes, i do.", "yes, i have."),
            "sometimes": ("a bit, i guess.", "now and then."),
            "never": ("no, not really.", "no, i have not."),
            "chat": ("i see.", "oh, okay.", "right."),
            "inform:giving=often": ("i give to charities quite often.", "i donate every month."),
            "inform:giving=sometimes": ("i give once in a while.", "i donate when i can."),
            "inform:giving=never": ("i have never given to a charity.", "i do not give to charities."),
            "inform:values": ("to me, {value} comes first.", "{value} matters most to me."),
            "vague": ("oh, this and that.", "hard to put into words."),
            "refuse": ("i would rather not talk about that.", "that is private."),
            "acknowledge": ("mhm.", "i hear you."),
            "unclear": ("sorry, what?", "i did not understand that."),
            "leave": ("i have to go now.", "i am done here, bye."),
            "farewell": ("goodbye!", "bye, take care."),
        }
    ),
    ASIDES,
    chatter=0.1,
)

FORMAL = Templates(
    Phrases(
        {
            "consent": ("good day. i am aware that you are a machine, and i agree to this talk.",),
            "agree": ("very well, i shall contribute.", "i am willing to contribute."),
            "disagree": ("i must decline.", "i shall not contribute."),
            "positive": ("a worthy cause indeed.", "i approve of that."),
            "negative": ("i remain sceptical.", "one hears otherwise."),
            "neutral": ("possibly.", "i have no opinion on that."),
            "curious": ("would you explain that?", "by what means?"),
            "yours": ("do you contribute yourself?", "and what is your own share?"),
            "often": ("indeed i do.", "certainly."),
            "sometimes": ("on occasion.", "to some degree."),
            "never": ("i do not.", "by no means."),
            "chat": ("understood.", "quite so."),
            "inform:giving=often": ("i contribute to charities regularly.", "charity is a habit of mine."),
            "inform:giving=sometimes": ("i contribute now and again.", "i have contributed on occasion."),
            "inform:giving=never": ("i have not contributed to any charity.", "charity is not a habit of mine."),
            "inform:values": ("i hold {value} above all.", "my principle is {value}."),
            "vague": ("it is not easily said.", "that depends on many things."),
            "refuse": ("that does not concern you.", "i prefer to keep that to myself."),
            "acknowledge": ("noted.", "i follow."),
            "unclear": ("i beg your pardon?", "please rephrase that."),
            "leave": ("i must end this conversation.", "this has taken long enough."),
            "farewell": ("farewell.", "good day to you, then."),
        }
    ),
)
