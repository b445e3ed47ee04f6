#!/usr/bin/env bash
# Trains and tests a network with a ViTAEv2 backbone on the demo data, on two processes, and
# draws its predictions. Running it again skips finished steps.
#
#   bash tools/quickstart.sh [TASK]
#
# TASK is det (Mask R-CNN, the default), seg (UperNet), pose (SimpleBaseline), cls, or ssl
# (a masked autoencoder, which is not tested).
set -eu
cd "$(dirname "$0")/.."

task=${1:-det}
pictures=data/shapes/images/val
boxes=()
case $task in
    det)
        config=configs/det/mask_rcnn_vitaev2_demo_5e_shapes.py
        epochs=5
        ;;
    seg)
        config=configs/seg/upernet_vitaev2_demo_12e_shapes.py
        epochs=12
        ;;
    pose)
        config=configs/pose/simple_baseline_vitaev2_demo_6e_shapes.py
        epochs=6
        boxes=(--boxes data/shapes/annotations/keypoints_val.json)
        ;;
    cls)
        config=configs/cls/vitaev2_demo_8e_shapes.py
        epochs=8
        pictures=data/shapes/classes/val
        ;;
    ssl)
        config=configs/ssl/mae_vitae_demo_20e_shapes.py
        epochs=20
        ;;
    *)
        echo "error: TASK=$task: choose det, seg, pose, cls or ssl." >&2
        exit 1
        ;;
esac
. tools/setup_env.sh

work_dir=work_dirs/$(basename "$config" .py)
checkpoint=$work_dir/epoch_$epochs.pth
processes=2
if [ "$(python -c 'import torch; print(torch.cuda.device_count())')" = 1 ]; then
    processes=1
fi

[ -d data/shapes ] || python tools/make_demo_data.py
# this file is written after the checkpoint
if grep -qs "epoch_$epochs.pth" "$work_dir/last_checkpoint"; then
    echo "quickstart: $checkpoint exists, skipping training"
else
    bash tools/dist_train.sh "$config" $processes --resume
fi
if [ "$task" != ssl ]; then
    bash tools/dist_test.sh "$config" "$checkpoint" $processes
fi
python tools/demo.py "$config" "$checkpoint" $pictures "${boxes[@]}" --out "$work_dir/pictures" \
    --overwrite
echo "quickstart: wrote the predictions to $work_dir/pictures"
