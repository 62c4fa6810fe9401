//! A plan gives the same bytes in whole, in part, in any order, and under any budget.

use std::cell::Cell;
use std::collections::BTreeMap;

use imaging::{
    Assets, Budget, ENGINE, FaultCode, Limits, Made, Plan, Presets, Work, geometry::Size, open,
};
use imaging::{Format, Progress};

use super::{draw, made::outcomes};

const MIXED: &str = r#"
[variants.tiny]
width = 40
height = 40
formats = ["png", "jpeg"]
[variants.mid]
width = 90
height = 90
formats = ["webp"]
[variants.square]
fit = "cover"
width = 60
height = 60
formats = ["png"]
[variants.squeezed]
fit = "fill"
width = 30
height = 90
formats = ["jpeg"]
"#;

fn sources() -> Vec<Vec<u8>> {
    vec![
        draw::png(&draw::translucent(411, 303)),
        draw::oriented(&draw::jpeg(&draw::photograph(301, 511)), 7),
    ]
}

#[test]
fn every_subset_in_any_order_makes_the_same_bytes() {
    for file in sources() {
        let plan = Presets::parse(MIXED).unwrap().plan(&draw::header(&file));
        let whole: BTreeMap<String, Made> =
            draw::run(&plan, &file).into_iter().map(|(piece, made)| (piece.name, made)).collect();
        assert_eq!(whole.len(), 6);
        for subset in 1..1_u32 << plan.pieces.len() {
            let mut pieces: Vec<_> = (0..plan.pieces.len())
                .filter(|index| subset & (1 << index) != 0)
                .map(|index| plan.pieces[index].clone())
                .collect();
            let turn = subset as usize % pieces.len();
            pieces.rotate_left(turn);
            if subset % 2 == 0 {
                pieces.reverse();
            }
            let made = draw::run(&Plan { pieces: pieces.clone() }, &file);
            assert_eq!(made.len(), pieces.len());
            for ((piece, made), asked) in made.iter().zip(&pieces) {
                assert_eq!(piece, asked);
                assert!(whole[&piece.name] == *made, "{} of {subset:b}", piece.name);
            }
        }
    }
}

/// Says "spent" from the nth question on.
struct After(Cell<usize>);

impl Budget for After {
    fn spent(&self) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        left == 0
    }
}

#[test]
fn a_run_in_chunks_equals_a_run_at_once() {
    for file in sources() {
        let header = draw::header(&file);
        let plan = Presets::parse(MIXED).unwrap().plan(&header);
        let whole = draw::run(&plan, &file);
        for chunk in 0..plan.pieces.len() {
            let mut rest = plan.clone();
            let mut made = Vec::new();
            while !rest.pieces.is_empty() {
                let mut rows = open(&file, &header, &Limits::default()).unwrap();
                let Progress { done, .. } = rest
                    .run(
                        &mut *rows,
                        Assets::NONE,
                        &After(Cell::new(chunk)),
                        &mut |piece, result| {
                            made.push((piece.clone(), result.unwrap()));
                        },
                    )
                    .unwrap();
                assert_eq!(done, (chunk + 1).min(rest.pieces.len()));
                rest.pieces.drain(..done);
            }
            assert!(made == whole, "in chunks of {}", chunk + 1);
        }
    }
}

#[test]
fn a_piece_that_no_encoder_takes_fails_alone() {
    let file = draw::png(&draw::photograph(17_000, 2));
    let text = "[variants.wide]\nwidth = 17000\nformats = [\"webp\", \"png\"]\n";
    let header = draw::header(&file);
    let plan = Presets::parse(text).unwrap().plan(&header);
    let seen: BTreeMap<String, _> = outcomes(&plan, &file, &header)
        .0
        .into_iter()
        .map(|(piece, made)| (piece.name, made.map(|_| ()).map_err(|fault| fault.code)))
        .collect();
    assert_eq!(seen["wide.webp"], Err(FaultCode::SideTooLong));
    assert_eq!(seen["wide.png"], Ok(()));
    assert_eq!(seen["derived"], Ok(()));
}

#[test]
fn an_empty_plan_makes_nothing() {
    let file = draw::png(&draw::photograph(5, 5));
    assert!(draw::run(&Plan::default(), &file).is_empty());
}

#[test]
fn plans_survive_json_and_revisions_tell_them_apart() {
    let header = draw::header(&draw::png(&draw::photograph(900, 700)));
    let plan = Presets::built_in().plan(&header);
    let json = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);

    let mut revisions: Vec<String> = plan.pieces.iter().map(|p| p.revision(&[7; 32])).collect();
    assert!(revisions.iter().all(|r| r.len() == 16 && r.bytes().all(|b| b.is_ascii_hexdigit())));
    revisions.extend(plan.pieces.iter().map(|p| p.revision(&[8; 32])));
    let mut better = plan.pieces[0].clone();
    if let Work::Variant(rendition) = &mut better.work {
        rendition.quality += 1;
    }
    revisions.push(better.revision(&[7; 32]));
    let count = revisions.len();
    revisions.sort();
    revisions.dedup();
    assert_eq!(revisions.len(), count);
    assert_eq!(plan.pieces[0].revision(&[7; 32]), plan.pieces[0].revision(&[7; 32]));
}

#[test]
fn sizes_descend_from_the_next_larger_one() {
    let header = draw::header(&draw::png(&draw::photograph(1_000, 667)));
    let plan = Presets::built_in().plan(&header);
    let chains: BTreeMap<&str, Vec<u32>> = plan
        .pieces
        .iter()
        .map(|piece| {
            (
                piece.name.as_str(),
                piece.lineage().steps.iter().map(|s| s.size(Size::new(1, 1)).width).collect(),
            )
        })
        .collect();
    assert_eq!(chains["large.webp"], [800]);
    assert_eq!(chains["medium.jpeg"], [800, 400]);
    assert_eq!(chains["small.webp"], [800, 400, 200]);
    assert_eq!(chains["derived"], [800, 400, 200, 100]);
    assert_eq!(plan.pieces[0].format(), Some(Format::Jpeg));
}

#[test]
fn the_engine_names_the_codecs_that_are_locked() {
    let lock = include_str!("../../Cargo.lock");
    for codec in ENGINE.split_whitespace().skip(1) {
        let (name, version) = codec.rsplit_once('-').unwrap();
        let entry = format!("name = \"{name}\"\nversion = \"{version}\"");
        assert!(lock.contains(&entry), "{codec} is not what Cargo.lock has");
    }
}
