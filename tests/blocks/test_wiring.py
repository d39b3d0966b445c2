"""Wiring by name: akid's rules."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from akidlab import Block, GraphSystem, InnerProductLayer, MergeLayer, ReLULayer, SequentialSystem

X, Y, Z = torch.tensor([[1.0]]), torch.tensor([[2.0]]), torch.tensor([[3.0]])


class Saw(Block):
    """Keeps what it was given."""

    NAME = "saw"

    def forward(self, signal):
        self.seen = signal
        return signal


class Emits(Block):
    """Emits what it was told to."""

    NAME = "emits"

    def __init__(self, value, **kwargs):
        super().__init__(**kwargs)
        self.value = value

    def forward(self, signal):
        return self.value


def _system(*blocks: Block) -> GraphSystem:
    system = GraphSystem(name="system")
    system.attach(*blocks)
    return system


def test_the_first_block_is_given_the_first_input():
    saw = Saw()

    _system(saw)([X, Y])

    assert saw.seen is X


def test_a_block_without_inputs_is_given_the_first_tensor_of_the_block_before():
    saw = Saw()

    _system(Emits([Y, Z]), saw)(X)

    assert saw.seen is Y


def test_a_tuple_is_given_whole():
    saw, pair = Saw(), (Y, Z)

    _system(Emits(pair), saw)(X)

    assert saw.seen is pair


def test_idxs_choose_elements_of_a_list():
    saw = Saw(inputs=[{"name": "emits1", "idxs": [2, 0]}])

    _system(Emits([X, Y, Z]), saw)(X)

    assert saw.seen[0] is Z
    assert saw.seen[1] is X


def test_idxs_are_the_first_element_unless_given():
    saw = Saw(inputs=[{"name": "emits1"}])

    _system(Emits([Y, Z]), saw)(X)

    assert saw.seen is Y


def test_what_is_no_list_is_taken_whole_whatever_idxs_say():
    saw = Saw(inputs=[{"name": "emits1", "idxs": [1]}])

    _system(Emits(Y), saw)(X)

    assert saw.seen is Y


def test_system_in_is_the_input_of_the_system():
    saw = Saw(inputs=[{"name": "system_in", "idxs": [1]}, {"name": "system_in"}])

    _system(ReLULayer(), saw)([X, Y])

    assert saw.seen[0] is Y
    assert saw.seen[1] is X


def test_one_input_comes_bare_and_several_as_a_list():
    one, two = Saw(inputs=[{"name": "emits1"}]), Saw(inputs=[{"name": "emits1"}, {"name": "emits1"}])

    _system(Emits(Y), one, two)(X)

    assert isinstance(one.seen, Tensor)
    assert isinstance(two.seen, list)


def test_an_input_may_be_a_tensor():
    merge = MergeLayer(inputs=[{"name": "system_in"}, Y])

    assert _system(merge)(X).item() == 3


def test_branches_meet_in_a_merge():
    merge = MergeLayer(inputs=[{"name": "a"}, {"name": "b"}])

    assert _system(Emits(Y, name="a"), Emits(Z, name="b", inputs=[{"name": "a"}]), merge)(X).item() == 5


def test_a_sequential_system_passes_all_on():
    saw, system = Saw(), SequentialSystem()
    system.attach(Emits([Y, Z]), saw)

    system(X)

    assert [part.item() for part in saw.seen] == [2, 3]


def test_a_sequential_system_takes_no_wiring():
    with pytest.raises(ValueError, match=r"`system` is sequential: `saw` .* Use a GraphSystem"):
        SequentialSystem().attach(Saw(inputs=[{"name": "a"}]))


def test_the_inputs_of_the_user_are_left_as_they_are():
    inputs = [{"name": "emits1"}, {"name": "system_in", "idxs": [0]}]
    before = copy.deepcopy(inputs)

    _system(Emits(Y), Saw(inputs=inputs))(X)

    assert inputs == before


def test_equal_names_need_not_be_the_same_string():
    saw = Saw(inputs=[{"name": "".join(["emi", "ts1"])}])
    system = _system(Emits(Y), saw)
    system(X)

    assert system.get_layer_by_name("".join(["sa", "w1"])) is saw


def test_a_misspelt_input_names_the_nearest_block():
    system = _system(ReLULayer(name="conv1"), Saw(name="saw", inputs=[{"name": "cnov1"}]))

    with pytest.raises(
        KeyError, match=r"`inputs` of `saw`: There is no block `cnov1`\. Did you mean `conv1`\?"
    ):
        system(X)


def test_a_misspelt_block_names_the_nearest():
    with pytest.raises(KeyError, match=r"There is no block `rellu1`\. Did you mean `relu1`\? Known: relu1\."):
        _system(ReLULayer())["rellu1"]


def test_names_are_unique():
    with pytest.raises(ValueError, match=r"`system` has a block `a` already\. Give this one another name"):
        _system(ReLULayer(name="a"), Saw(name="a"))


def test_a_block_without_a_name_gets_one():
    system = _system(ReLULayer(), ReLULayer(name="relu2"), ReLULayer(), Saw())

    assert [block.name for block in system] == ["relu1", "relu2", "relu3", "saw1"]


def test_a_class_without_a_name_of_its_own_still_gets_one():
    class Mine(Block):
        def forward(self, signal):
            return signal

    assert _system(Mine())[0].name == "block1"


@pytest.mark.parametrize("name", ["", "a.b", "_a", 3])
def test_a_name_is_a_word(name):
    with pytest.raises(ValueError, match="A name is a word without dots"):
        ReLULayer(name=name)


def test_system_in_is_not_a_name():
    with pytest.raises(ValueError, match="`system_in` is the name of a system's input"):
        ReLULayer(name="system_in")


@pytest.mark.parametrize("inputs", ["conv1", {"name": "conv1"}, [], 3])
def test_inputs_are_a_list(inputs):
    with pytest.raises(ValueError, match=r"`inputs` is a list of entries, such as inputs=\[\{"):
        ReLULayer(inputs=inputs)


def test_each_input_names_a_block():
    with pytest.raises(ValueError, match=r"Each of `inputs` names a block"):
        ReLULayer(inputs=["conv1"])


def test_a_misspelt_key_names_the_nearest():
    with pytest.raises(KeyError, match=r"There is no key of an input `idx`\. Did you mean `idxs`\?"):
        ReLULayer(inputs=[{"name": "conv1", "idx": [0]}])


def test_an_index_too_far_is_explained():
    system = _system(Emits([X, Y]), Saw(inputs=[{"name": "emits1", "idxs": [5]}]))

    with pytest.raises(
        ValueError, match=r"`saw1` reads element 5 of a block that emits 2\. Correct its `idxs`"
    ):
        system(X)


def test_only_blocks_can_be_attached():
    with pytest.raises(
        ValueError, match=r"`system` can hold blocks, found Linear\(.*attach\(TorchLayer\(module\)\)"
    ):
        _system(torch.nn.Linear(1, 1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"can hold blocks, found <class.*Attach an instance of a Block\."):
        _system(torch.nn.Linear)  # type: ignore[arg-type]


def test_a_block_is_attached_once():
    relu = ReLULayer()
    system = _system(relu)

    with pytest.raises(ValueError, match=r"`relu1` is attached already"):
        system.attach(relu)


def test_a_copy_with_another_name_shares_its_parameters():
    system = GraphSystem()
    system.attach(InnerProductLayer(in_channel_num=1, out_channel_num=1, name="ip").setup(seed=0))
    system.attach(system["ip"].get_copy(name="again"))

    system(X)

    assert system["again"].weight is system["ip"].weight
    assert system.num_parameters() == 2


def test_a_block_can_be_put_in_the_place_of_another():
    system = _system(Emits(Y, name="a"), Saw(name="b"))
    system(X)

    system.a = Emits(Z, name="other")

    assert system(X).item() == 3
    assert system["a"].name == "a"


def test_lists_of_blocks_can_be_attached():
    system = GraphSystem()
    system.attach([ReLULayer(), [ReLULayer()]], ReLULayer())

    assert len(system) == 3


def test_an_empty_system_says_so():
    with pytest.raises(ValueError, match=r"`system` is empty\. Attach a block first"):
        GraphSystem()(X)


def test_a_block_may_bear_the_name_of_an_attribute():
    system = _system(ReLULayer(name="loss"), ReLULayer(name="data"), ReLULayer(name="forward"))

    assert system(X).item() == 1
    assert [name for name, _ in system.named_modules()] == ["", "loss", "data", "forward"]


def test_a_misspelt_option_names_the_nearest():
    with pytest.raises(KeyError, match=r"There is no option of ReLULayer `nmae`\. Did you mean `name`\?"):
        ReLULayer(nmae="relu1")


def test_switches_for_summaries_are_accepted():
    assert ReLULayer(do_summary=True, summarize_output=False, name="relu1").name == "relu1"
