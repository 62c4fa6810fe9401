//! Effects as presets write them: the table of facts, what is refused, and the way there and back.

use std::collections::BTreeSet;

use imaging::effects::{Default, Kind, Parameter};
use imaging::{Effect, Presets};
use proptest::prelude::*;
use proptest::strategy::Union;

use super::{effect, read};

/// A value of a parameter near one end of what it takes, in TOML.
fn written(kind: Kind, least: bool) -> String {
    let pick = |low: f64, high: f64| if least { low } else { high };
    match kind {
        Kind::Number { least, most } => format!("{:?}", pick(least, most)),
        Kind::Whole { least: low, most } => if least { low } else { most }.to_string(),
        Kind::Numbers { count, least, most } => format!("{:?}", vec![pick(least, most); count]),
        Kind::Color => "\"#12345678\"".to_owned(),
        Kind::Choice(words) => format!("{:?}", words[if least { 0 } else { words.len() - 1 }]),
        Kind::Place if least => "\"north-west\"".to_owned(),
        Kind::Place => "{ x = 1, y = 0.25 }".to_owned(),
        Kind::Text { most } => format!("{:?}", "Ж".repeat(if least { 1 } else { most })),
        Kind::Image => "\"logo.png\"".to_owned(),
    }
}

fn sentence(name: &str, parameters: &[(&Parameter, String)]) -> String {
    let parameters: Vec<String> =
        parameters.iter().map(|(p, value)| format!("{} = {value}", p.name)).collect();
    format!("{{ {name} = {{ {} }} }}", parameters.join(", "))
}

#[test]
fn the_catalogue_and_the_types_say_the_same() {
    let mut names = BTreeSet::new();
    for facts in Effect::CATALOGUE {
        assert!(names.insert(facts.name), "{} is there twice", facts.name);
        for least in [true, false] {
            let all: Vec<(&Parameter, String)> =
                facts.parameters.iter().map(|p| (p, written(p.kind, least))).collect();
            let effect = effect(&sentence(facts.name, &all));
            assert_eq!(effect.facts().name, facts.name);
            // The form in plans has exactly the parameters of the table.
            let json = serde_json::to_value(&effect).unwrap();
            let inside = json[facts.name].as_object().unwrap();
            let keys: BTreeSet<&str> = inside.keys().map(String::as_str).collect();
            let parameters: BTreeSet<&str> = facts.parameters.iter().map(|p| p.name).collect();
            assert_eq!(keys, parameters, "{}", facts.name);
            assert_eq!(serde_json::from_value::<Effect>(json).unwrap(), effect);
        }
    }
    assert_eq!(names.len(), 21);
}

#[test]
fn what_is_left_out_is_the_default() {
    for facts in Effect::CATALOGUE {
        let needed: Vec<(&Parameter, String)> = facts
            .parameters
            .iter()
            .filter(|p| p.default == Default::Required)
            .map(|p| (p, written(p.kind, true)))
            .collect();
        let short = effect(&sentence(facts.name, &needed));
        if needed.is_empty() {
            assert_eq!(effect(&format!("\"{}\"", facts.name)), short);
        } else {
            let message = read(&format!("\"{}\"", facts.name)).unwrap_err();
            assert!(message.contains(needed[0].0.name), "{message}");
        }
        let mut full = needed.clone();
        for parameter in facts.parameters {
            match parameter.default {
                Default::Number(number) => full.push((parameter, format!("{number:?}"))),
                Default::Word(word) => full.push((parameter, format!("{word:?}"))),
                Default::Required | Default::Absent => {}
            }
        }
        assert_eq!(effect(&sentence(facts.name, &full)), short, "{}", facts.name);
    }
}

#[test]
fn one_beyond_each_bound_is_refused_and_named() {
    let mut tried = 0;
    for facts in Effect::CATALOGUE {
        for parameter in facts.parameters {
            let wrong: Vec<String> = match parameter.kind {
                Kind::Number { least, most } => {
                    let beyond = [least - 0.000_001, most + 0.000_001];
                    let mut wrong: Vec<String> = beyond.iter().map(|n| format!("{n:.6}")).collect();
                    wrong.extend(["nan", "inf", "\"1\"", "1e300"].map(str::to_owned));
                    wrong
                }
                Kind::Whole { least, most } => {
                    vec![(least - 1).to_string(), (most + 1).to_string(), "2.5".to_owned()]
                }
                Kind::Numbers { count, most, .. } => vec![
                    format!("{:?}", vec![0.0; count + 1]),
                    format!("{:?}", vec![most + 0.1; count]),
                    "0.5".to_owned(),
                ],
                Kind::Color => ["\"red\"", "\"#12345\"", "7"].map(str::to_owned).to_vec(),
                Kind::Choice(_) => ["\"other\"", "true"].map(str::to_owned).to_vec(),
                Kind::Place => {
                    ["\"up\"", "{ x = 0.5 }", "{ x = 2, y = 0 }", "{ x = 0, y = 0, z = 0 }"]
                        .map(str::to_owned)
                        .to_vec()
                }
                Kind::Text { most } => {
                    vec!["\"\"".to_owned(), format!("{:?}", "a".repeat(most + 1)), "1".to_owned()]
                }
                Kind::Image => vec!["\"other.png\"".to_owned(), "[]".to_owned()],
            };
            for value in wrong {
                let all: Vec<(&Parameter, String)> = facts
                    .parameters
                    .iter()
                    .map(|p| {
                        let fine = || written(p.kind, true);
                        (p, if p.name == parameter.name { value.clone() } else { fine() })
                    })
                    .collect();
                let message = read(&sentence(facts.name, &all)).unwrap_err();
                let key = format!("{}.{} = {value}", facts.name, parameter.name);
                assert!(message.starts_with(&key), "{message} does not name {key}");
                assert!(message.len() > key.len() + 20, "{message} does not say what is allowed");
                tried += 1;
            }
        }
    }
    assert!(tried > 150, "{tried}");
}

#[test]
fn what_is_no_effect_is_named() {
    for (text, words) in [
        ("\"grayscale\"", &["grayscale", "allowed: greyscale, sepia"][..]),
        ("{ glow = { sigma = 1 } }", &["glow", "allowed"]),
        ("{ blur = { sigma = 1, size = 2 } }", &["\"size\"", "blur", "allowed: sigma"]),
        ("{ blur = 3 }", &["blur = 3", "table of sigma"]),
        ("{ blur = { sigma = 1 }, sepia = {} }", &["one effect in each"]),
        ("{ }", &["one effect in each"]),
        ("{ blur = {} }", &["blur has no sigma", "0.3 to 250"]),
        ("3", &["effects = 3", "name"]),
        ("{ watermark_text = { text = \"写真\" } }", &["写真", "Latin", "'写'"]),
        ("{ watermark = { image = \"none.png\" } }", &["none.png", "there is no none.png"]),
    ] {
        let message = read(text).unwrap_err();
        for word in words {
            assert!(message.contains(word), "{text}: {message} lacks {word}");
        }
    }
}

/// A value of a parameter anywhere in its range, as TOML.
fn any_value(kind: Kind) -> BoxedStrategy<String> {
    let number = |least: f64, most: f64| {
        let millionths = (least * 1e6) as i64..=(most * 1e6) as i64;
        millionths.prop_map(|n| format!("{:.6}", n as f64 / 1e6))
    };
    match kind {
        Kind::Number { least, most } => number(least, most).boxed(),
        Kind::Whole { least, most } => (least..=most).prop_map(|n| n.to_string()).boxed(),
        Kind::Numbers { count, least, most } => {
            proptest::collection::vec(number(least, most), count)
                .prop_map(|list| format!("[{}]", list.join(", ")))
                .boxed()
        }
        Kind::Color => "\"#[0-9a-f]{6}([0-9a-f]{2})?\"".boxed(),
        Kind::Choice(words) => {
            proptest::sample::select(words).prop_map(|word| format!("\"{word}\"")).boxed()
        }
        Kind::Place => (number(0.0, 1.0), number(0.0, 1.0))
            .prop_map(|(x, y)| format!("{{ x = {x}, y = {y} }}"))
            .boxed(),
        // Quotes, backslashes and line breaks are what printing could get wrong.
        Kind::Text { .. } => "[ a-zÀ-ÿА-я\"'\\\\\n©]{0,30}x"
            .prop_map(|text| serde_json::to_string(&text).unwrap())
            .boxed(),
        Kind::Image => Just("\"logo.png\"".to_owned()).boxed(),
    }
}

/// Any effect with any parameters, some of those with a default left out, as presets write it.
fn any_sentence() -> impl Strategy<Value = String> {
    Union::new(Effect::CATALOGUE.iter().map(|facts| {
        let parameters: Vec<BoxedStrategy<Option<String>>> = facts
            .parameters
            .iter()
            .map(|p| {
                let value = any_value(p.kind);
                if p.default == Default::Required {
                    value.prop_map(Some).boxed()
                } else {
                    proptest::option::of(value).boxed()
                }
            })
            .collect();
        parameters.prop_map(move |values| {
            let given = facts.parameters.iter().zip(values).filter_map(|(p, v)| Some((p, v?)));
            sentence(facts.name, &given.collect::<Vec<_>>())
        })
    }))
}

fn any_effect() -> impl Strategy<Value = Effect> {
    any_sentence().prop_map(|text| effect(&text))
}

/// A list of up to three.
pub fn any_effects() -> impl Strategy<Value = String> {
    let some = proptest::collection::vec(any_sentence(), 0..=3);
    some.prop_map(|effects| format!("[{}]", effects.join(", ")))
}

proptest! {
    #[test]
    fn what_is_printed_is_parsed_as_the_same(effect in any_effect()) {
        let start = "[variants.a]\nformats = [\"png\"]\nwidth = 9\n";
        let mut presets = Presets::parse(start).unwrap();
        presets.variants.get_mut("a").unwrap().effects.push(effect.clone());
        let text = presets.to_toml();
        let written = text.split_once("effects = [").unwrap().1.split_once("]\n").unwrap().0;
        prop_assert_eq!(read(written), Ok(effect), "{}", text);
    }

    #[test]
    fn plans_keep_effects(effect in any_effect()) {
        let json = serde_json::to_string(&effect).unwrap();
        prop_assert_eq!(serde_json::from_str::<Effect>(&json).unwrap(), effect, "{}", json);
    }

    #[test]
    fn nothing_that_is_written_makes_the_parser_panic(text in "[ -~\n]{0,60}") {
        let _ = read(&text);
        let _ = read(&format!("{{ watermark_text = {{ text = {text} }} }}"));
    }
}
