//! What the functions count, held against the specification of CloudWatch's embedded metric format.

use std::{collections::BTreeSet, time::Duration};

use cloud::metrics::{Measure, Metric};
use domain::StageName;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::harness::{
    client::Client,
    home::{Home, Terms},
    moto::Moto,
    pictures::photograph,
};

/// Those of the specification that we may come to use.
const UNITS: [&str; 4] = ["Count", "Milliseconds", "Bytes", "None"];

fn members<'a>(value: &'a Value, names: &[&str]) -> &'a Map<String, Value> {
    let object = value.as_object().unwrap_or_else(|| panic!("{value} is no object"));
    let found: BTreeSet<_> = object.keys().map(String::as_str).collect();
    assert_eq!(found, names.iter().copied().collect(), "these members and no others");
    object
}

fn text(value: &Value, longest: usize) -> &str {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no text"));
    assert!((1..=longest).contains(&text.len()), "{text:?}");
    text
}

/// Panics unless CloudWatch Logs would take the numbers of this document.
fn hold(document: &Value) {
    let metadata = members(&document["_aws"], &["CloudWatchMetrics", "Timestamp"]);
    let moment = metadata["Timestamp"].as_i64().expect("a whole number");
    let age = Timestamp::now().duration_since(Timestamp::from_millisecond(moment).unwrap());
    assert!(age.as_hours().abs() < 2, "{moment} is in milliseconds, and of now");
    for directive in metadata["CloudWatchMetrics"].as_array().expect("a list") {
        let directive = members(directive, &["Dimensions", "Metrics", "Namespace"]);
        assert_eq!(text(&directive["Namespace"], 255), "Darkroom");
        let sets = directive["Dimensions"].as_array().expect("a list");
        assert!(!sets.is_empty(), "one set at least");
        for name in sets.iter().flat_map(|set| set.as_array().expect("a list of lists")) {
            text(&document[text(name, 250)], 1024);
        }
        let metrics = directive["Metrics"].as_array().expect("a list");
        assert!((1..=100).contains(&metrics.len()));
        let mut names = BTreeSet::new();
        for metric in metrics {
            let metric = members(metric, &["Name", "Unit"]);
            let name = text(&metric["Name"], 1024);
            assert!(names.insert(name), "{name} twice");
            assert!(UNITS.contains(&text(&metric["Unit"], 20)), "{metric:?}");
            assert!(document[name].is_number(), "{name} is {}", document[name]);
        }
        let stray = |name: &&String| {
            !["_aws", "Stage"].contains(&name.as_str()) && !names.contains(name.as_str())
        };
        assert_eq!(document.as_object().unwrap().keys().find(stray), None, "it is not defined");
    }
}

#[test]
fn every_metric_is_by_the_specification() {
    let all = [
        Metric::Handled,
        Metric::Failed,
        Metric::Buried,
        Metric::Duration,
        Metric::ImagesReady,
        Metric::ImagesFailed,
    ];
    let fill = |measure: Measure, metric: &Metric| measure.with(*metric, 7);
    let measure = all.iter().fold(Measure::of(StageName::Resize, Timestamp::now()), fill);
    // The same once more: the newer number holds, and it is not defined twice.
    let document = serde_json::to_value(measure.with(Metric::Buried, 8)).unwrap();
    hold(&document);
    assert_eq!(document["Stage"], "resize");
    assert_eq!(document["Buried"], 8);
    assert_eq!(document["_aws"]["CloudWatchMetrics"][0]["Metrics"][3]["Unit"], "Milliseconds");
    assert_eq!(document["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0][0], "Stage");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn functions_count_what_they_handle() {
    let home = Home::start(Moto::shared(), Terms::default()).await;
    let client = Client::of(&home);
    let id = client.upload(&photograph(), "image/jpeg").await;
    client.until(&id, "ready", Duration::from_mins(1)).await;
    home.until_idle(Duration::from_mins(1)).await;
    let said: Vec<_> = home.functions.values().flat_map(|function| function.log()).collect();
    let counted: Vec<_> = said.iter().filter(|line| line["_aws"].is_object()).collect();
    for document in &counted {
        hold(document);
    }
    let sum = |stage: &str, name: &str| -> u64 {
        let of_stage = counted.iter().filter(|document| document["Stage"] == stage);
        of_stage.filter_map(|document| document[name].as_u64()).sum()
    };
    let handled = said.iter().filter(|line| line["message"] == "handled").count();
    let stages = StageName::ALL.map(StageName::as_str);
    assert_eq!(stages.iter().map(|stage| sum(stage, "Handled")).sum::<u64>(), handled as u64);
    for stage in stages {
        assert!(sum(stage, "Handled") >= 1, "{stage}");
        assert_eq!(sum(stage, "Failed") + sum(stage, "Buried"), 0, "{stage}");
    }
    assert!(sum("resize", "Duration") > 0);
    assert_eq!((sum("fanout", "ImagesReady"), sum("fanout", "ImagesFailed")), (1, 0));
}
