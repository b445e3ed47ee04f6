#!/usr/bin/env bash
# From a fresh clone to a trained, tested and drawn Mask R-CNN with a ViTAEv2
# backbone, on two processes. Done again, it skips what is there.
#
#   bash tools/quickstart.sh
set -eu
cd "$(dirname "$0")/.."
. tools/setup_env.sh

config=configs/det/mask_rcnn_vitaev2_demo_8e_shapes.py
work_dir=work_dirs/$(basename "$config" .py)
checkpoint=$work_dir/epoch_8.pth
processes=2
if [ "$(python -c 'import torch; print(torch.cuda.device_count())')" = 1 ]; then
    processes=1
fi

[ -d data/shapes ] || python tools/make_demo_data.py
# written only after a checkpoint is whole
if grep -qs "epoch_8.pth" "$work_dir/last_checkpoint"; then
    echo "quickstart: $checkpoint is there, training skipped"
else
    bash tools/dist_train.sh "$config" $processes --resume
fi
bash tools/dist_test.sh "$config" "$checkpoint" $processes --show-dir "$work_dir/pictures"
echo "quickstart: ground truth (left) beside predictions (right) in $work_dir/pictures"
