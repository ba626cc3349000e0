"""The editor and the model behind it. Open `editor` first.

`requests` checks what its view asks; `work` writes branches (`plans`, `resampling`) and `measure_runner` measures what
`measure_menu` has and `offers` offers, read by one of the `readers`. `payload` and `facts` make its traits; `latents`
is all about a thought's latents.
"""
