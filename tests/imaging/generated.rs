//! Presets that nobody thought of: any values of all keys, with any effects, printed and read back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use imaging::recipe::keys::KEYS;
use imaging::{Channels, Fit, Format, Header, Orientation, Plan, Point};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::effects::{any_effects, with_logo};

/// Any value of a key, as it may be written.
fn any_value(key: &str) -> BoxedStrategy<String> {
    let side = || (1..=65_535_u32).prop_map(|side| side.to_string());
    let bare = |words: &'static [&'static str]| select(words).prop_map(str::to_owned).boxed();
    let words = |words: Vec<&'static str>| select(words).prop_map(|word| format!("{word:?}"));
    match key {
        // The rest of each way is at most what lies behind the edge.
        "crop" => ((0..=999_999_i64), (0..=999_999_i64), 0.0..=1.0, 0.0..=1.0)
            .prop_map(|(x, y, across, down)| {
                let rest = |from: i64, share: f64| (((1e6 - from as f64) * share) as i64).max(1);
                let (width, height) = (written(rest(x, across)), written(rest(y, down)));
                let (x, y) = (written(x), written(y));
                format!("{{ x = {x}, y = {y}, width = {width}, height = {height} }}")
            })
            .boxed(),
        "trim" => (0..=1_000_000_i64).prop_map(written).boxed(),
        "flip" | "flop" | "enlarge" | "lossless" | "palette" => bare(&["true", "false"]),
        // Quarters as whole numbers, and anything else.
        "rotate" => prop_oneof![
            (-4..=4_i32).prop_map(|quarters| (quarters * 90).to_string()),
            (-360_000_000..=360_000_000_i64).prop_map(written),
        ]
        .boxed(),
        "fit" => words(Fit::ALL.iter().map(|(name, _)| *name).collect()).boxed(),
        "width" | "height" => side().boxed(),
        "gravity" => {
            let mut known: Vec<&str> = Point::COMPASS.iter().map(|(name, _)| *name).collect();
            known.push("smart");
            let share = || (0..=1_000_000_i64).prop_map(written);
            let point = (share(), share()).prop_map(|(x, y)| format!("{{ x = {x}, y = {y} }}"));
            prop_oneof![words(known), point].boxed()
        }
        "background" => {
            prop_oneof!["\"#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?\"", Just("\"blurred\"".to_owned())]
                .boxed()
        }
        "effects" => any_effects().boxed(),
        "formats" => {
            let all: Vec<&str> = Format::written().map(Format::name).collect();
            let most = all.len();
            let some = subsequence(all, 1..=most).prop_shuffle();
            some.prop_map(|names| format!("{names:?}")).boxed()
        }
        "quality" => (1..=100_u32).prop_map(|quality| quality.to_string()).boxed(),
        "animation" => bare(&["\"first\"", "\"keep\""]),
        "color" => bare(&["\"srgb\"", "\"keep\""]),
        "when" => bare(&["\"upload\"", "\"request\""]),
        other => panic!("{other} is new: say what may be written behind it"),
    }
}

/// So many millionths, as a decimal.
fn written(millionths: i64) -> String {
    format!("{:.6}", millionths as f64 / 1e6)
}

/// Any table of a variant that may stand in a file.
fn any_variant() -> impl Strategy<Value = String> {
    let values: Vec<_> = KEYS.iter().map(|key| proptest::option::of(any_value(key.name))).collect();
    values.prop_map(|values| {
        let names = KEYS.iter().map(|key| key.name);
        let mut keys: BTreeMap<&str, String> =
            names.zip(values).filter_map(|(name, value)| Some((name, value?))).collect();
        mend(&mut keys);
        let lines = keys.iter().map(|(key, value)| format!("{key} = {value}\n"));
        lines.collect()
    })
}

/// Adds what other keys need, and takes away what they do not allow.
fn mend(keys: &mut BTreeMap<&str, String>) {
    let is = |keys: &BTreeMap<&str, String>, key: &str, value: &str| {
        keys.get(key).is_some_and(|found| found == value)
    };
    let fills = ["\"fill\"", "\"cover\"", "\"pad\""].iter().any(|fit| is(keys, "fit", fit));
    if fills || !keys.contains_key("height") {
        keys.entry("width").or_insert_with(|| "7".to_owned());
    }
    if fills {
        keys.entry("height").or_insert_with(|| "9".to_owned());
    }
    let formats = keys.entry("formats").or_insert_with(|| "[\"jpeg\"]".to_owned()).clone();
    let has = |name: &str| formats.contains(&format!("{name:?}"));
    let stands = has("avif") || !(has("gif") || has("webp"));
    for (key, possible) in
        [("lossless", has("webp")), ("palette", has("png")), ("animation", !stands)]
    {
        if !possible {
            keys.remove(key);
        }
    }
}

/// A file of one to four variants.
fn any_file() -> impl Strategy<Value = String> {
    proptest::collection::btree_map("[a-z0-9-]{1,12}", any_variant(), 1..=4).prop_map(|variants| {
        variants.iter().fold(String::new(), |mut text, (name, table)| {
            let _ = write!(text, "[variants.{name}]\n{table}");
            text
        })
    })
}

fn any_header() -> impl Strategy<Value = Header> {
    let format = select(Format::ALL);
    let channels = select(vec![Channels::Grey, Channels::Rgb, Channels::Rgba]);
    (format, 1..9_000_u32, 1..9_000_u32, 1..=8_u16, 1..4_u32, channels).prop_map(
        |(format, width, height, orientation, frames, channels)| Header {
            format,
            width,
            height,
            orientation: Orientation::from_exif(orientation).unwrap(),
            frames,
            channels,
            depth: 8,
            progressive: false,
        },
    )
}

proptest! {
    #[test]
    fn any_presets_that_are_printed_parse_to_the_same(file in any_file(), header in any_header()) {
        let presets = with_logo(&file)
            .map_err(|error| TestCaseError::fail(format!("{error}\n{file}")))?;
        let printed = presets.to_toml();
        let again = with_logo(&printed)
            .map_err(|error| TestCaseError::fail(format!("{error}\n{printed}")))?;
        prop_assert_eq!(&again, &presets, "{}\n{}", file, printed);
        prop_assert_eq!(again.to_toml(), printed, "printing has one form");

        let made = presets.plans(&header);
        prop_assert_eq!(&again.plans(&header), &made);
        let asked = presets.plan_on_request(&header, None);
        prop_assert_eq!(&again.plan_on_request(&header, None), &asked);
        let names: BTreeSet<_> = asked.pieces.iter().map(|piece| piece.name.clone()).collect();
        prop_assert_eq!(names, presets.on_request().collect::<BTreeSet<_>>());
        for plan in made.into_iter().chain([asked]) {
            reads_back(plan)?;
        }
    }
}

/// Orders travel as JSON: what is read of a plan is the plan, with the names of its pieces.
fn reads_back(plan: Plan) -> Result<(), TestCaseError> {
    let json = serde_json::to_string(&plan).unwrap();
    let read: Plan = serde_json::from_str(&json).unwrap();
    prop_assert_eq!(serde_json::to_string(&read).unwrap(), json);
    let revisions = |plan: &Plan| -> Vec<String> {
        plan.pieces.iter().map(|piece| piece.revision(&[7; 32])).collect()
    };
    prop_assert_eq!(revisions(&read), revisions(&plan), "a piece is known by what it says");
    prop_assert_eq!(read, plan);
    Ok(())
}

/// What is generated reaches every key; a generator that leaves one out proves nothing of it.
#[test]
fn every_key_is_generated_and_printed() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut printed = String::new();
    for _ in 0..100 {
        let file = any_file().new_tree(&mut runner).unwrap().current();
        printed.push_str(&with_logo(&file).unwrap().to_toml());
    }
    for key in KEYS {
        assert!(printed.contains(&format!("\n{} = ", key.name)), "{} is missing", key.name);
    }
    for facts in imaging::Effect::CATALOGUE {
        assert!(printed.contains(&format!("{{ {} = ", facts.name)), "{} is missing", facts.name);
    }
}
