"""What every registered recipe promises: settings that say what they do, nothing without effect, nothing impossible."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from turnwise.api.comparing import plan
from turnwise.api.defaults import MODEL
from turnwise.api.specs import spec
from turnwise.core.errors import TurnwiseError, UnknownName, WrongPairing
from turnwise.credit import RULES
from turnwise.explore import Grouped, Independent
from turnwise.recipes import RECIPES
from turnwise.recipes.base import START, Recipe, Setup, setting, table_of
from turnwise.recipes.improve import CriticSettings, ImproveSettings, check_parts
from turnwise.recipes.prefer import PathSettings
from turnwise.worlds import make

WORLD = {"max_steps": 4}
PLACES = {
    "calm": ("key-corridor", {"turns": 5}),
    "dir": ("safe-answers", {"rounds": 3}),
    "dir-labels": ("safe-answers", {"rounds": 3}),
    "dir-unconditional": ("safe-answers", {"rounds": 3}),
    "era": ("key-corridor", {"turns": 5}),
    "fair-dpo": ("loop-grid", {}),
    "igpo": ("bit-naming", {"turns": 5}),
    "influence": ("social-deduction-small", {"turns": 8}),
    "itool": ("api-calls", {}),
    "random-mining": ("api-calls", {}),
    "video-mtr": ("bit-search", {}),
}
"""Where a recipe is built that cannot be in the small maze: it needs a world with subgoals, an answer, hidden roles."""
IMPROVING = [name for name in RECIPES if issubclass(RECIPES.get(name).settings, ImproveSettings)]
CRITICS = [name for name in IMPROVING if issubclass(RECIPES.get(name).settings, CriticSettings)]
WEIGHTS = pytest.mark.parametrize("recipe", [n for n in RECIPES if RECIPES.get(n).plays is None], indirect=True)
"""Of those that begin with imitation; the others learn without weights (test_drafts.py)."""


@pytest.fixture(params=RECIPES)
def recipe(request) -> Recipe:
    return RECIPES.get(request.param)


def build(name: str, **settings):
    """Parts of a run in a small maze; nothing is played."""
    place, world = PLACES.get(name, ("maze", WORLD))
    return spec(place, name, "scratch:nano", settings, world, 0).build()


# --- what it says ---


def test_it_says_what_it_is(recipe):
    assert recipe is RECIPES.get(recipe.name) and recipe.title and recipe.source and recipe.build.__doc__
    assert len(recipe.claim.says.split()) > 5 and recipe.claim.against


def test_its_trial_can_be_run(recipe):
    """Nothing is played: the world, the baseline and every setting are there."""
    trial = recipe.claim.trial
    assert trial.seeds >= 3 and trial.times >= 1 and trial.by in ("success", "return")
    if trial.rivals == (START,):
        spec(trial.world, recipe.name, MODEL, trial.settings, trial.world_settings, 0).build()
    else:
        plan(
            trial.world,
            [*(r for r in trial.rivals if r != START), recipe.name],
            2,
            MODEL,
            trial.settings,
            trial.world_settings,
        )


def test_every_setting_has_a_sentence_and_a_source(recipe):
    assert dataclasses.is_dataclass(recipe.settings) and recipe.settings.__dataclass_params__.frozen
    for name, default, says, source in table_of(recipe.settings, recipe.changes):
        assert len(says.split()) >= 2, f"{name} has no sentence"
        assert source and default is not dataclasses.MISSING


def test_every_setting_is_read(recipe):
    """Changing any one of them changes the resolved settings, and the names that others need exist."""
    names = {f.name for f in dataclasses.fields(recipe.settings)}
    for field in dataclasses.fields(recipe.settings):
        assert field.metadata["needs"] in names | {""}
        text = str(field.default)
        assert getattr(recipe.resolve({field.name: text}), field.name) == field.default, "texts are converted"


@WEIGHTS
def test_what_is_kept_in_a_run_resolves_again(recipe):
    for changed in ({}, {"demos": 0}, {"evaluate": 5}):
        settings = recipe.resolve(changed)
        assert recipe.resolve(dataclasses.asdict(settings)) == settings


# --- what it refuses ---


@WEIGHTS
def test_misspelt_settings_and_wrong_values(recipe):
    for settings, said in (
        ({"demmos": 3}, "did you mean 'demos'"),
        ({"zzzz": 3}, "turnwise recipes NAME"),
        ({"demos": "many"}, "a value like"),
        ({"demos": "2.5"}, "a value like"),
        ({"demos": -1}, "0 or more"),
        ({"demo_lr": "nan"}, "0 or more"),
        ({"max_new": 0}, "1 or more"),
        ({"evaluate": 0}, "1 or more"),
    ):
        with pytest.raises(TurnwiseError) as caught:
            recipe.resolve(settings)
        assert said in str(caught.value)


@WEIGHTS
def test_a_setting_without_effect_is_refused(recipe):
    """Every setting that needs another one is refused when that is 0, and says which."""
    checked = 0
    for field in dataclasses.fields(recipe.settings):
        if needs := field.metadata["needs"]:
            other = field.default + 1 if isinstance(field.default, int | float) else "other"
            other = not field.default if isinstance(field.default, bool) else other
            with pytest.raises(TurnwiseError, match=f"{field.name}=.* has no effect .*{needs}=0") as caught:
                recipe.resolve({needs: 0, field.name: other})
            assert f"leave out {field.name}, or set {needs}" in str(caught.value)
            assert getattr(recipe.resolve({needs: 3, field.name: other}), field.name) == other
            checked += 1
    assert checked >= 4
    assert recipe.resolve({"demos": 0}).demos == 0


def test_a_clip_that_never_meets_a_ratio_is_refused(recipe):
    if not hasattr(recipe.settings, "clip"):
        return
    with pytest.raises(TurnwiseError, match="clip=0.15 has no effect with epochs=1 and minibatches=1"):
        build(recipe.name, epochs=1, minibatches=1, clip=0.15)
    build(recipe.name, epochs=1, minibatches=1)
    build(recipe.name, epochs=2, minibatches=1, clip=0.15)


@WEIGHTS
def test_a_turn_budget_that_nobody_can_spend_is_refused(recipe):
    place, settings = PLACES.get(recipe.name, ("maze", WORLD))
    world = make(place, **settings)
    with pytest.raises(TurnwiseError, match=f"turns={world.turns} has no effect"):
        build(recipe.name, turns=world.turns)
    build(recipe.name, turns=world.turns - 1)


@WEIGHTS
def test_what_cannot_be_played_is_refused_before_the_first_episode(recipe):
    place, world = PLACES.get(recipe.name, ("maze", WORLD))
    known = sorted(make(place, **world).experts)[-1]
    with pytest.raises(UnknownName, match=f"did you mean '{known}'"):
        build(recipe.name, expert=known + known[-1])
    with pytest.raises(UnknownName, match="did you mean 'scratch:nano'"):
        spec(place, recipe.name, "scratch:nan", {}, world, 0).build()


@pytest.mark.parametrize("name", IMPROVING)
def test_a_misspelt_averaging_is_refused_before_the_first_episode(name):
    with pytest.raises(UnknownName, match="did you mean 'row-mean'"):
        build(name, averaging="row-men")


@pytest.mark.parametrize("name", [name for name in IMPROVING if hasattr(RECIPES.get(name).settings, "whiten")])
def test_a_misspelt_whitening_is_refused_before_the_first_episode(name):
    with pytest.raises(TurnwiseError, match="none, turns or tokens"):
        build(name, whiten="token")


@pytest.mark.parametrize("name", ["filtered-bc", "online-filtered-bc"])
@pytest.mark.parametrize("share", [0.0, 1.5])
def test_what_is_no_share_is_refused_before_the_first_episode(name, share):
    with pytest.raises(TurnwiseError, match="at most 1"):
        build(name, share=share)


@pytest.mark.parametrize("name", [name for name in IMPROVING if name not in CRITICS])
def test_a_value_weight_without_a_critic_is_no_setting(name):
    with pytest.raises(TurnwiseError, match="has no setting 'value'"):
        build(name, value=0.5)


@pytest.mark.parametrize("name", CRITICS)
def test_a_critic_that_never_learns_is_refused(name):
    with pytest.raises(WrongPairing, match="leave out --set value"):
        build(name, value=0)


@pytest.mark.parametrize("name", ["grpo", "rloo", "dr-grpo"])
def test_a_group_rule_without_groups_names_the_setting(name):
    with pytest.raises(WrongPairing, match=f"credit rule '{name}' needs group") as caught:
        build(name, group=1)
    assert "group of 2 or more" in caught.value.next_move


@pytest.mark.parametrize("name", RULES)
def test_rules_meet_settings_that_give_what_they_need(name):
    rule = RULES[name]()
    if rule.needs & {"signals", "branches"}:
        with pytest.raises(WrongPairing, match="add feedback that scores turns|explorer that branches"):
            check_parts(CriticSettings(), rule, Grouped(2))
        branching = SimpleNamespace(gives={"group", "branches"})
        check_parts(CriticSettings(), rule, branching, [object()] if "signals" in rule.needs else ())
    elif rule.needs & {"critic", "token_critic"}:
        check_parts(CriticSettings(), rule, Grouped(2))
        with pytest.raises(WrongPairing, match="choose a recipe with a critic"):
            check_parts(ImproveSettings(), rule, Grouped(2))
    elif "group" in rule.needs:
        check_parts(ImproveSettings(), rule, Grouped(2))
        with pytest.raises(WrongPairing, match="plays several episodes of each task"):
            check_parts(ImproveSettings(), rule, Independent())
    else:
        check_parts(ImproveSettings(), rule, Independent())


@pytest.mark.parametrize("name", [n for n in RECIPES if issubclass(RECIPES.get(n).settings, PathSettings)])
def test_whole_paths_are_compared_only_where_answers_are_fixed(name):
    with pytest.raises(WrongPairing, match="on wordle, whose answers are random") as caught:
        spec("wordle", name, "scratch:nano", {}, {}, 0).build()
    assert "luck=ignore" in caught.value.next_move
    spec("wordle", name, "scratch:nano", {"luck": "ignore"}, {}, 0).build()
    spec("wordle", "step-dpo", "scratch:nano", {}, {}, 0).build()
    with pytest.raises(UnknownName, match="did you mean 'ignore'"):
        build(name, luck="ignor")


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("tdpo", {"variant": "tdpo1", "alpha": 0.2}),
        ("step-dpo", {"gamma": 1.0}),
        ("step-dpo", {"objective": "simpo", "reference": "start"}),
    ],
)
def test_a_setting_that_its_objective_does_not_read_is_refused(name, settings):
    with pytest.raises(TurnwiseError, match="has no effect with"):
        build(name, **settings)


# --- a recipe of one's own ---


@dataclasses.dataclass(frozen=True)
class Own:
    """Settings of a test's own recipe."""

    rounds: int = setting(0, "how often")
    name: str = setting("x", "what it is called", needs="rounds")
    flag: bool = setting(False, "whether")
    most: int | None = setting(None, "how many at most", least=2)


def test_own_settings_resolve_from_texts():
    own = Recipe("own", "", "", Own, lambda setup: None, RECIPES.get("bc").claim, changes={"rounds": 2})
    assert own.resolve({}) == Own(rounds=2)
    assert own.resolve({"name": "none", "flag": "true", "most": "5"}) == Own(2, "none", True, 5)
    assert own.resolve({"most": "null"}) == Own(2)
    with pytest.raises(TurnwiseError, match="name=y has no effect"):
        own.resolve({"rounds": 0, "name": "y"})
    with pytest.raises(TurnwiseError, match="2 or more"):
        own.resolve({"most": 1})
    assert Setup(make("maze"), own.resolve({}), "scratch:nano", 0).checkpoint is None
