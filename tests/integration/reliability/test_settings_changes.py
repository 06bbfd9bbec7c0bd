"""Settings that an operator changes, killed, disturbed and overtaken: apart from the other experiments, whose stack this one cannot share."""

from tests.integration.reliability.conftest import told
from tests.reliability.clicks import Clicked, disturbed, killed, together
from tests.reliability.desk import FIVE, NEW, UPGRADE, DeskShop
from tests.reliability.faults import Fault
from tests.reliability.world import World


def test_settings_whose_change_is_killed_disturbed_or_overtaken_are_neither_lost_nor_half_changed() -> None:
    """The short form of the section "settings", and with versions written over each other it finds one that is lost."""
    with World.opened() as world:
        shop, changed, writes = DeskShop(world), Clicked(), ("dynamodb PutItem",)
        for each in ((FIVE,), (UPGRADE,)):
            killed(shop, each, changed, only=writes)
            disturbed(shop, each, changed, faults=[Fault.CUT_AFTER, Fault.DENIED], only=writes)
        together(shop, (FIVE, NEW), changed, only=writes)
        assert told(changed.findings) == []
        assert changed.counts == {"crash points swept": 4, "faults injected": 4, "times overtaken": 4}
        together(shop, (FIVE, NEW), changed, broken="choices over each other", only=writes)
    assert any(f.kind == "lost" and "and in a row as" in f.what for f in changed.findings), told(changed.findings)
