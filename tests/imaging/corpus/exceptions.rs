//! Where our answer to a file of the corpus differs from that of two other decoders, and why; and
//! the files that may take more time or memory than others.

/// Name, our outcome, reason. At most 2 % of the files.
pub(super) const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("hostile/Pillow__truncated_app14.jpg", "damaged", "a segment shorter than its kind"),
    (
        "hostile/Pillow__hopper_bad_exif.jpg",
        "damaged",
        "impossible Huffman codes: libjpeg warns and fills up",
    ),
    ("hostile/jpeg-decoder__subtract-with-overflow.jpg", "damaged", "the same"),
    ("hostile/Pillow__no_palette.gif", "damaged", "indices without any palette"),
    (
        "hostile/image__clusterfuzz-testcase-minimized-fuzzer_script_tiff-5026894169374720.tif",
        "damaged",
        "a strip of JPEG with fewer rows than the strip: libtiff warns and fills up",
    ),
    ("tiff/image-tiff__int16_zstd.tif", "unsupported_format", "signed samples"),
    (
        "jxl/conformance__alpha_premultiplied-input.jxl",
        "ready",
        "a file of the standard's conformance suite, which Debian's djxl cannot write out",
    ),
    ("tiff/image-tiff__12bit.cropped.rgb.tiff", "ready", "12 bits, which the others do not read"),
];

/// What a fuzzer made of runs of bytes (`PackBits`).
const FUZZED_RUNS: &str = "bad runs: libvips gives up at the first and fills up with white, Pillow does not know the file";

/// Files that others read, each with other pixels: nobody's word against nobody's.
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
    (
        "hostile/jpeg-decoder__dc-predictor-overflow.jpg",
        "ready",
        "a fuzzer's sums of brightness beyond 16 bits, which each decoder wraps its own way",
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
    ("hostile/image-tiff__id_000029_src_000556+000125_op_splice_rep_64", "ready", FUZZED_RUNS),
    ("hostile/image-tiff__id_000030_src_000556+000125_op_splice_rep_128", "ready", FUZZED_RUNS),
    ("hostile/image-tiff__id_000032_src_000558+000248_op_splice_rep_8", "ready", FUZZED_RUNS),
    ("hostile/image-tiff__id_000033_src_000525+000106_op_splice_rep_4", "ready", FUZZED_RUNS),
    ("hostile/image-tiff__id_000040_src_000679+000165_op_splice_rep_4", "ready", FUZZED_RUNS),
    ("hostile/image-tiff__id_000041_src_000698+000155_op_splice_rep_8", "ready", FUZZED_RUNS),
    ("hostile/image-tiff__id_000042_src_000698+000155_op_splice_rep_64", "ready", FUZZED_RUNS),
    ("hostile/image-tiff__id_000044_src_000698+000155_op_splice_rep_2", "ready", FUZZED_RUNS),
];

/// Name and reason.
pub(super) const GIANTS: &[(&str, &str)] = &[
    ("hostile/thumbor__9643x10328.jpg", "99.6 MP of flat colour in 1.2 MB"),
    ("bench/zune-image__speed_bench_prog.jpg", "33 MP in several passes, which are held whole"),
];
