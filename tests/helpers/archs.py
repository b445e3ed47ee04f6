"""Networks small enough for quick tests."""

TWO_STAGES = dict(branch_dims=(8, 8), dims=(8, 16), depths=(1, 1), num_heads=(1, 2),
                  reduction_heads=(1, 1), groups=(1, 4), reduction_groups=(1, 4))
FOUR_STAGES = dict(branch_dims=(8, 8, 8, 8), dims=(8, 16, 16, 32), depths=(1, 2, 2, 1),
                   num_heads=(1, 2, 2, 4), reduction_heads=(1, 1, 2, 4), groups=(1, 4, 4, 8),
                   reduction_groups=(1, 4, 8, 8))
