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

[ -d data/shapes ] || python tools/make_demo_data.py
if [ -f "$checkpoint" ]; then
    echo "quickstart: $checkpoint is there, training skipped"
else
    bash tools/dist_train.sh "$config" 2 --resume
fi
bash tools/dist_test.sh "$config" "$checkpoint" 2 --show-dir "$work_dir/pictures"
echo "quickstart: ground truth (left) beside predictions (right) in $work_dir/pictures"
