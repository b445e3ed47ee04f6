#!/usr/bin/env bash
# Trains and tests a network with a ViTAEv2 backbone on the demo data, on two processes, and
# draws its predictions beside the ground truth. Running it again skips finished steps.
#
#   bash tools/quickstart.sh [TASK]
#
# TASK is det (Mask R-CNN, the default), seg (UperNet), pose (SimpleBaseline), cls, or ssl
# (a masked autoencoder, which is not tested). The backbones of det, seg and pose are pretrained
# on the images of cls first.
set -eu
cd "$(dirname "$0")/.."

task=${1:-det}
classifier=configs/cls/vitaev2_demo_4e_shapes.py
case $task in
    det) config=configs/det/mask_rcnn_vitaev2_demo_4e_shapes.py ;;
    seg) config=configs/seg/upernet_vitaev2_demo_10e_shapes.py ;;
    pose) config=configs/pose/simple_baseline_vitaev2_demo_3e_shapes.py ;;
    cls) config=$classifier ;;
    ssl) config=configs/ssl/mae_vitae_demo_20e_shapes.py ;;
    *)
        echo "error: TASK=$task: choose det, seg, pose, cls or ssl." >&2
        exit 1
        ;;
esac

announce() {
    printf '\n[%d:%02d] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"
}

# sets checkpoint
train() {
    local config=$1 epochs work_dir
    shift
    epochs=$(sed -E 's/.*_([0-9]+)e_.*/\1/' <<<"$config")
    work_dir=work_dirs/$(basename "$config" .py)
    checkpoint=$work_dir/epoch_$epochs.pth
    # this file is written after the checkpoint
    if grep -qs "epoch_$epochs.pth" "$work_dir/last_checkpoint"; then
        echo "$checkpoint exists, skipping training"
    elif [ -d "$work_dir" ]; then
        bash tools/dist_train.sh "$config" $processes --resume "$@"
    else
        bash tools/dist_train.sh "$config" $processes "$@"
    fi
}

announce 'setting up the environment'
. tools/setup_env.sh
processes=2
if [ "$(python -c 'import torch; print(torch.cuda.device_count())')" = 1 ]; then
    processes=1
fi

announce 'drawing the demo data'
python tools/make_demo_data.py

weights=()
case $task in
    det | seg | pose)
        announce 'pretraining the backbone on classes of single shapes'
        train $classifier
        weights=(--cfg-options model.backbone.init_cfg.type=Pretrained
            "model.backbone.init_cfg.checkpoint=$checkpoint")
        ;;
esac
announce "training $config"
train $config "${weights[@]}"
work_dir=${checkpoint%/*}

if [ "$task" = ssl ]; then
    announce 'drawing reconstructions'
    sheet=$work_dir/contact_sheet.png
    python tools/demo.py $config "$checkpoint" data/shapes/images/val --out "$work_dir/pictures" \
        --sheet "$sheet" --overwrite
else
    announce 'testing'
    bash tools/dist_test.sh $config "$checkpoint" $processes
    sheet=$work_dir/test/report/contact_sheet.png
fi

announce 'finished'
cat <<END
pictures:   $sheet
checkpoint: $checkpoint

Next:
  . tools/setup_env.sh
  python tools/demo.py $config $checkpoint IMAGE... --out pictures
  your own data: docs/own_data.md; other tasks: bash tools/quickstart.sh seg
END
