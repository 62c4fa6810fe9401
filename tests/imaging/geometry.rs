//! Properties of sizes and plans over all sorts of headers.

use imaging::{Fit, Format, Header, Orientation, Presets, Size, Step, Work};
use proptest::prelude::*;

use super::draw;

fn side() -> impl Strategy<Value = u32> {
    prop_oneof![1..=4_u32, 1..=5_000_u32, 60_000..=65_535_u32]
}

fn header() -> impl Strategy<Value = Header> {
    (side(), side(), 0..8_usize)
        .prop_map(|(width, height, turned)| draw::described(width, height, turned))
}

proptest! {
    #[test]
    fn no_fit_leaves_the_box_or_enlarges(sw in side(), sh in side(), bw in side(), bh in side(), which in 0..4_usize) {
        let (_, fit) = Fit::ALL[which];
        let size = fit.size(Size::new(sw, sh), Size::new(bw, bh));
        prop_assert!(size.width >= 1 && size.height >= 1);
        prop_assert!(size.width <= bw.min(sw) && size.height <= bh.min(sh), "{size:?}");
    }

    #[test]
    fn inside_keeps_the_aspect_and_touches_the_box(sw in side(), sh in side(), bw in side(), bh in side()) {
        let size = Fit::Inside.size(Size::new(sw, sh), Size::new(bw, bh));
        let scale = (f64::from(bw) / f64::from(sw)).min(f64::from(bh) / f64::from(sh)).min(1.0);
        for (out, source) in [(size.width, sw), (size.height, sh)] {
            let exact = (f64::from(source) * scale).max(1.0);
            prop_assert!((f64::from(out) - exact).abs() <= 0.5 + 1e-6, "{out} is not {exact}");
        }
        prop_assert!(size.width == bw.min(sw) || size.height == bh.min(sh));
    }

    #[test]
    fn cover_has_the_aspect_of_the_box(sw in side(), sh in side(), bw in side(), bh in side()) {
        let size = Fit::Cover.size(Size::new(sw, sh), Size::new(bw, bh));
        if bw <= sw && bh <= sh {
            prop_assert_eq!(size, Size::new(bw, bh));
        } else {
            prop_assert!(size.width == sw || size.height == sh);
        }
    }

    #[test]
    fn plans_are_pure_and_every_step_reduces(header in header()) {
        let plan = Presets::built_in().plan(&header);
        prop_assert_eq!(&plan, &Presets::built_in().plan(&header));
        let (width, height) = header.upright();
        for piece in &plan.pieces {
            let lineage = piece.lineage();
            prop_assert!(lineage.shrink.across >= 1 && lineage.shrink.down >= 1);
            let mut last = (width, height);
            for step in &lineage.steps {
                let size = step.size(Size::new(last.0, last.1));
                prop_assert!(size.width >= 1 && size.height >= 1);
                prop_assert!(size.width <= last.0 && size.height <= last.1);
                last = (size.width, size.height);
            }
            if let Work::Variant(rendition) = &piece.work {
                prop_assert_eq!((rendition.width, rendition.height), last);
                prop_assert!(rendition.width <= 800 && rendition.height <= 800);
            }
        }
    }

    #[test]
    fn the_average_leaves_two_pixels_for_each_of_the_result(header in header()) {
        for piece in Presets::built_in().plan(&header).pieces {
            let lineage = piece.lineage();
            let Some(Step::Resample(first)) = lineage.steps.first() else { continue };
            let (mut across, mut down) = (lineage.shrink.across, lineage.shrink.down);
            if header.orientation.swaps_sides() {
                (across, down) = (down, across);
            }
            let (width, height) = header.upright();
            prop_assert!(across == 1 || width / across >= 2 * first.width);
            prop_assert!(down == 1 || height / down >= 2 * first.height);
        }
    }

    #[test]
    fn predicted_memory_bounds_what_must_be_there(header in header()) {
        let plan = Presets::built_in().plan(&header);
        let memory = plan.memory(&header);
        let shrink = plan.pieces[0].lineage().shrink;
        let base = u64::from(header.width.div_ceil(shrink.across))
            * u64::from(header.height.div_ceil(shrink.down)) * 6;
        prop_assert!(memory >= base);
        let jpeg = Header { format: Format::Jpeg, ..header.clone() };
        let picture = u64::from(header.width) * u64::from(header.height) * 3;
        prop_assert!(plan.memory(&jpeg) >= picture + base);
        let progressive = Header { progressive: true, ..jpeg.clone() };
        prop_assert!(plan.memory(&progressive) >= picture * 3 + base);
        let larger = Header { height: header.height + 1, ..jpeg.clone() };
        prop_assert!(larger.width * larger.height == 0 || Presets::built_in().plan(&larger).pieces.len() == plan.pieces.len());
    }
}

#[test]
fn orientation_numbers_go_both_ways() {
    for number in 0..=300_u16 {
        let found = Orientation::from_exif(number);
        assert_eq!(found.is_some(), (1..=8).contains(&number));
        if let Some(orientation) = found {
            assert_eq!(u16::from(orientation.exif()), number);
        }
    }
}
