package io.chatrelay.api;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BodyBudgetTest {

    private static final int MEGABYTE = 1 << 20;

    private final BodyBudget budget = new BodyBudget(4 * MEGABYTE);

    @Test
    void whatIsTakenIsMissingUntilItIsGivenBack() {
        BodyBudget.Lease large = budget.open();
        assertThat(large.grow(3 * MEGABYTE)).isTrue();

        assertThat(budget.open().grow(MEGABYTE)).isFalse();
        large.close();
        assertThat(budget.open().grow(3 * MEGABYTE)).isTrue();
    }

    @Test
    void aSmallBodyFindsRoomBesideLargeOnes() {
        while (budget.open().grow(MEGABYTE / 2)) {
            // Until there is no room for another one.
        }

        assertThat(budget.open().grow(4_000)).isTrue();
    }

    @Test
    void whatDoesNotFitTakesNothing() {
        BodyBudget.Lease lease = budget.open();
        assertThat(lease.grow(8L * MEGABYTE)).isFalse();
        assertThat(lease.grow(8L << 30)).isFalse();

        assertThat(budget.open().grow(3 * MEGABYTE)).isTrue();
    }

    @Test
    void aLeaseIsGivenBackOnce() {
        BodyBudget.Lease lease = budget.open();
        assertThat(lease.grow(MEGABYTE)).isTrue();
        lease.close();
        lease.close();

        assertThat(budget.open().grow(4 * MEGABYTE)).isFalse();
    }
}
