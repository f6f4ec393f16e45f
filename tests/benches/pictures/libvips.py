"""The other side: libvips, in process, as a service would call it. libvips.py OUT FILE...

It decodes at reduced scale where it thinks fit, turns upright, converts to sRGB, lays transparency on white, and makes
each square of the next larger picture. Prints CPU seconds, and KiB at the peak beyond what the process had before.
"""
import os, sys, time
os.environ.setdefault("VIPS_CONCURRENCY", "1")  # a photo a processor: more threads cost it more CPU in all
import pyvips

def memory(line):
    with open("/proc/self/status") as status:
        return next(int(text.split()[1]) for text in status if text.startswith(line))

def make(upload, save):
    # Asked for where there is nothing to convert, a profile costs it four times as much as all the rest.
    has_profile = "icc-profile-data" in pyvips.Image.new_from_buffer(upload, "").get_fields()
    options = {"output_profile": "srgb"} if has_profile else {}
    large = pyvips.Image.thumbnail_buffer(upload, 2048, height=2048, size="down", **options)
    if large.hasalpha():
        large = large.flatten(background=255)
    large = large.copy_memory()
    save(large, "large", 85)
    medium = large.thumbnail_image(512, height=512, crop="centre").copy_memory()
    save(medium, "medium", 82)
    save(medium.thumbnail_image(128, height=128, crop="centre"), "small", 82)

def main(out, files):
    pyvips.cache_set_max(0)
    pyvips.Image.black(1, 1).avg()
    idle, before = memory("VmRSS"), time.process_time()
    for file in files:
        with open(file, "rb") as upload:
            upload = upload.read()
        name = os.path.splitext(os.path.basename(file))[0]
        def save(picture, size, quality):
            jpeg = picture.jpegsave_buffer(Q=quality, keep="none", subsample_mode="on")
            with open(f"{out}/{name}.{size}.jpg", "wb") as target:
                target.write(jpeg)
        make(upload, save)
    print(time.process_time() - before, memory("VmHWM") - idle)

main(sys.argv[1], sys.argv[2:])
