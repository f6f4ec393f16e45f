"""Makes the photos of the bench, a folder a kind. corpus.py FOLDER

Noise in octaves, shapes with soft and hard edges, a sensor's grain: what cameras write in bytes a pixel. Screenshots are
lines of text and flat areas.
"""
import os, sys
import numpy as np
import pyvips
from PIL import Image, ImageCms, ImageDraw, ImageFilter

def photo(width, height, seed):
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = [110 + 90 * np.sin(x / width * 3 + seed) * np.cos(y / height * 2),
             120 + 80 * np.cos(x / width * 2 - y / height * 3 + seed),
             140 + 70 * np.sin(y / height * 4 + x / width)]
    pixels = np.stack(waves, -1).astype(np.float32)
    for octave in range(1, 9):
        n = 2 ** octave * 4
        noise = random.normal(0, 1, (max(2, height * n // width), n, 3)).astype(np.float32)
        noise = 0.6 * noise.mean(-1, keepdims=True) + 0.4 * noise  # lightness, mostly
        for c in range(3):
            large = Image.fromarray(noise[..., c]).resize((width, height), Image.BICUBIC)
            pixels[..., c] += np.asarray(large) * (46 / octave ** 0.9)
    picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture, "RGBA")
    for _ in range(60):
        left, top, size = random.integers(0, width), random.integers(0, height), int(random.integers(30, width // 6))
        colour = tuple(int(v) for v in random.integers(0, 255, 3)) + (int(random.integers(90, 220)),)
        kind = random.integers(0, 3)
        if kind == 0:
            draw.ellipse((left - size, top - size // 2, left + size, top + size // 2), fill=colour)
        elif kind == 1:
            draw.polygon([(left, top), (left + size, top + size // 3), (left - size // 4, top + size)], fill=colour)
        else:
            draw.line((left, top, left + size, top - size), fill=colour, width=int(random.integers(2, 30)))
    picture = picture.filter(ImageFilter.GaussianBlur(0.8))
    pixels = np.asarray(picture).astype(np.float32)
    grain = random.normal(0, 3.2, pixels.shape[:2] + (1,)) + random.normal(0, 1.4, pixels.shape)
    return Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8))

def screenshot(width, height, seed):
    random = np.random.default_rng(seed)
    picture = Image.new("RGB", (width, height), (250, 250, 252))
    draw = ImageDraw.Draw(picture)
    for _ in range(24):
        left, top = random.integers(0, width), random.integers(0, height)
        box = (left, top, left + random.integers(100, 900), top + random.integers(40, 400))
        draw.rectangle([int(v) for v in box], fill=tuple(int(v) for v in random.integers(180, 255, 3)))
    letters = np.array(list("the quick brown fox jumps over a lazy dog 0123456789"))
    for line in range(20, height, 22):
        text = "".join(random.choice(letters, width // 9))
        draw.text((20, line), text, fill=tuple(int(v) for v in random.integers(0, 90, 3)))
    picture.paste(photo(width // 3, height // 3, seed), (width // 2, height // 2))
    return picture

def turned(orientation):
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    exif[0x0112] = orientation
    return exif

def main(folder):
    def path(kind, name):
        os.makedirs(f"{folder}/{kind}", exist_ok=True)
        return f"{folder}/{kind}/{name}"
    def jpeg(picture, kind, name, **options):
        options = {"quality": 95, "subsampling": "4:2:0", "exif": turned(1)} | options
        picture.save(path(kind, name), **options)
    profile = lambda name: bytes(pyvips.Image.profile_load(name))
    photos = [photo(4000, 3000, seed) for seed in (1, 2, 3)]
    for n, picture in enumerate(photos):
        jpeg(picture, "1-jpeg-12mp", f"photo{n}.jpg")
        jpeg(picture, "4-jpeg-12mp-display-p3", f"p3{n}.jpg", icc_profile=profile("p3"))
        jpeg(picture, "5-jpeg-12mp-progressive", f"progressive{n}.jpg", progressive=True)
        inks = ImageCms.profileToProfile(picture, ImageCms.createProfile("sRGB"),
                                         ImageCms.ImageCmsProfile(__import__("io").BytesIO(profile("cmyk"))), outputMode="CMYK")
        inks.save(path("7-jpeg-12mp-cmyk", f"cmyk{n}.jpg"), quality=92, icc_profile=profile("cmyk"))
        picture.save(path("8-webp-12mp", f"webp{n}.webp"), quality=90, method=2)
    jpeg(photos[0], "2-jpeg-12mp-444", "full.jpg", subsampling="4:4:4", quality=92)
    small = photos[1].resize((2600, 1950), Image.LANCZOS)
    for orientation in range(1, 9):
        jpeg(small, "6-jpeg-5mp-exif-1-to-8", f"exif{orientation}.jpg", exif=turned(orientation))
    for n, seed in enumerate((4, 5)):
        jpeg(photo(6000, 4000, seed), "3-jpeg-24mp", f"large{n}.jpg", quality=93)
    for n, seed in enumerate((6, 7)):
        picture = screenshot(2560, 1440, seed)
        picture.save(path("9-png-screenshots", f"screen{n}.png"))
        picture.putalpha(Image.fromarray(np.asarray(picture.convert("L")) // 2 + 120))
        picture.save(path("9-png-screenshots", f"screen-alpha{n}.png"))

main(sys.argv[1])
