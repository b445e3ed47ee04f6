# SimpleBaseline with narrow deconvs, for CPUs and small data.
_base_ = './simple_baseline.py'
model = dict(head=dict(deconv_out_channels=(64, 64, 64)))
