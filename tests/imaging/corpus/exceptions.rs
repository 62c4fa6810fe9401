//! Where our answer to a file of the corpus differs from that of two other decoders, and why; and
//! the files that may take more time or memory than others.

/// Name, our outcome, reason. At most 2 % of the files.
pub(super) const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("jpeg/libjpeg-turbo__testimgari.jpg", "unsupported_format", "arithmetic coding"),
    ("jpeg/imgproxy__test1.arith.jpg", "unsupported_format", "arithmetic coding"),
    ("hostile/Pillow__truncated_app14.jpg", "damaged", "a segment shorter than its kind"),
    (
        "hostile/Pillow__hopper_bad_exif.jpg",
        "damaged",
        "impossible Huffman codes: libjpeg warns and fills up",
    ),
    ("hostile/jpeg-decoder__subtract-with-overflow.jpg", "damaged", "the same"),
    (
        "hostile/jpeg-decoder__dc-predictor-overflow.jpg",
        "ready",
        "a fuzzer's sums of brightness beyond 16 bits, which each decoder wraps its own way",
    ),
    ("hostile/Pillow__no_palette.gif", "damaged", "indices without any palette"),
    (
        "hostile/image__clusterfuzz-testcase-minimized-fuzzer_script_tiff-5026894169374720.tif",
        "damaged",
        "a strip of JPEG with fewer rows than the strip: libtiff warns and fills up",
    ),
    (
        "gif/image__border_touching_layers.gif",
        "ready",
        "what no picture covers is transparent, as in browsers; black in libvips, blue in Pillow",
    ),
    (
        "apng/image__fcTL-dispose-in-region-previous.png",
        "ready",
        "the default image is not of the animation; others show it",
    ),
    (
        "tiff/image-tiff__minisblack-2c-8b-alpha.tiff",
        "ready",
        "planes in PackBits with associated alpha, on which libvips and Pillow disagree",
    ),
    ("tiff/image-tiff__12bit.cropped.rgb.tiff", "ready", "12 bits, which the others do not read"),
];

/// The same where one other decoder reads the file, and differs: nobody's word against nobody's.
pub(super) const DIFFERENCES: &[(&str, &str, &str)] = &[
    (
        "jxl/conformance__grayscale-input.jxl",
        "ready",
        "linear light, handed out as sRGB and said so; djxl writes it as it is",
    ),
    (
        "svg/resvg-test-suite__no-size.svg",
        "ready",
        "300 × 150, as CSS has it; librsvg measures what is drawn",
    ),
    (
        "avif/libavif__clap_irot_imir_non_essential.avif",
        "ready",
        "libheif turns it in another order than its boxes stand in; not yet understood",
    ),
];

/// Name and reason.
pub(super) const GIANTS: &[(&str, &str)] =
    &[("hostile/thumbor__9643x10328.jpg", "99.6 MP of flat colour in 1.2 MB")];
