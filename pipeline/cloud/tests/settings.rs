//! What is wrong with an environment is said all at once, each by the variable, the value and the form
//! that is wanted.

use std::{collections::BTreeMap, time::Duration};

use cloud::{Settings, WorkerSettings};

const RIGHT: [(&str, &str); 10] = [
    ("DARKROOM_UPLOADS_BUCKET", "uploads"),
    ("DARKROOM_MEDIA_BUCKET", "media"),
    ("DARKROOM_TABLE", "table"),
    ("DARKROOM_QUEUE_INGEST", "https://sqs.eu-central-1.amazonaws.com/1/ingest"),
    ("DARKROOM_QUEUE_FANOUT", "https://sqs.eu-central-1.amazonaws.com/1/fanout"),
    ("DARKROOM_QUEUE_RESIZE", "https://sqs.eu-central-1.amazonaws.com/1/resize"),
    ("DARKROOM_QUEUE_METADATA", "https://sqs.eu-central-1.amazonaws.com/1/metadata"),
    ("DARKROOM_PUBLIC_URL", "https://images.example"),
    ("DARKROOM_SECRET", "thirty-two characters or more of it"),
    ("DARKROOM_MAX_UPLOAD", "1GB"),
];

/// What functions are told: a variable, a value that is no good, and words of the form that is wanted.
const WRONG: [(&str, &str, &str); 16] = [
    ("DARKROOM_QUEUE_INGEST", "ingest", "the URL of an SQS queue"),
    ("DARKROOM_PUBLIC_URL", "images.example", "https://images.example"),
    ("DARKROOM_SECRET", "short", "32"),
    ("DARKROOM_MAX_UPLOAD", "6GiB", "a size up to 5GiB, such as 100MB"),
    ("DARKROOM_MAX_UPLOAD", "100 megabytes", "a size up to 5GiB, such as 100MB"),
    ("DARKROOM_MAX_UPLOAD", "0MB", "a size up to 5GiB, such as 100MB"),
    ("DARKROOM_PICTURE_MEMORY", "much", "a size such as 1769MiB"),
    ("DARKROOM_VISIBILITY", "10m", "seconds"),
    ("DARKROOM_PRESETS", "s3://bucket", "s3://bucket/key"),
    ("DARKROOM_PRESETS_EVERY", "minute", "seconds"),
    ("DARKROOM_DEAD_LETTERS_ARN", "dead", "arn:"),
    ("DARKROOM_CORS", "example.com", "none, * or origins"),
    ("DARKROOM_ADOPTED_TENANT", "No Tenant", "a tenant's name"),
    ("DARKROOM_ADOPTED_VISIBILITY", "secret", "public or private"),
    ("DARKROOM_LOG", "cloud=loud", "a filter such as info"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "2GB", "megabytes"),
];

/// The same of the worker alone.
const WRONG_WORKER: [(&str, &str, &str); 5] = [
    ("DARKROOM_STAGES", "ingest,fly", "a list such as ingest,fanout,resize,metadata"),
    ("DARKROOM_WORKERS", "0", "a number from 1 to 1024"),
    ("DARKROOM_MEMORY", "plenty", "a size such as 800MiB or 2GiB"),
    ("DARKROOM_DRAIN", "2h", "a time from 10s to 1h"),
    ("DARKROOM_HEALTH", "8081", "127.0.0.1:8081"),
];

fn right() -> BTreeMap<String, String> {
    RIGHT.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// What is said, a line each.
fn said(environment: &BTreeMap<String, String>) -> Vec<String> {
    let wrong = Settings::from(environment).map(drop).expect_err("it is wrong");
    wrong.to_string().lines().map(str::to_owned).collect()
}

#[test]
fn what_is_right_is_taken() {
    let settings = Settings::from(&right()).unwrap();
    assert_eq!(settings.limits.bytes, 1_000_000_000);
    assert_eq!(settings.presets_every, Duration::from_mins(1));
    assert!(WorkerSettings::from(&right()).is_ok());
}

#[test]
fn each_mistake_names_the_variable_the_value_and_the_form() {
    for (name, value, form) in WRONG {
        let mut environment = right();
        environment.insert(name.to_owned(), value.to_owned());
        let said = said(&environment);
        assert_eq!(said.len(), 1, "{said:#?}");
        // A secret is not repeated.
        let shown = if name == "DARKROOM_SECRET" { "5 characters" } else { value };
        for word in [name, shown, form] {
            assert!(said[0].contains(word), "{:?} lacks {word:?}", said[0]);
        }
    }
}

#[test]
fn all_mistakes_are_said_at_once() {
    let mut environment = right();
    for (name, value, _) in WRONG {
        environment.insert(name.to_owned(), value.to_owned());
    }
    let said = said(&environment);
    for (name, ..) in WRONG {
        assert!(said.iter().any(|line| line.contains(name)), "{name} is not in {said:#?}");
    }
}

#[test]
fn all_that_is_missing_is_said_at_once() {
    let said = said(&BTreeMap::new());
    let needed = RIGHT.iter().filter(|(name, _)| *name != "DARKROOM_MAX_UPLOAD");
    for (name, _) in needed.clone() {
        let line = said.iter().find(|line| line.contains(name));
        let line = line.unwrap_or_else(|| panic!("{name} is not in {said:#?}"));
        assert!(line.contains("is not set: "), "{line}");
    }
    assert_eq!(said.len(), needed.count(), "{said:#?}");
}

#[test]
fn what_contradicts_itself_is_said() {
    let mut environment = right();
    environment.insert("DARKROOM_MEDIA_BUCKET".to_owned(), "uploads".to_owned());
    assert!(said(&environment)[0].contains("are one bucket"), "{:?}", said(&environment));
    for own in ["uploads", "media"] {
        let mut environment = right();
        environment.insert("DARKROOM_ADOPTED_BUCKET".to_owned(), own.to_owned());
        assert!(said(&environment)[0].contains("is one of our own"), "{:?}", said(&environment));
    }
    // A function that cannot hold what it takes.
    let mut environment = right();
    environment.insert("AWS_LAMBDA_FUNCTION_MEMORY_SIZE".to_owned(), "512".to_owned());
    let said = said(&environment);
    assert_eq!(said.len(), 1, "{said:#?}");
    for word in ["DARKROOM_MAX_UPLOAD", "1000000000 bytes", "DARKROOM_PICTURE_MEMORY"] {
        assert!(said[0].contains(word), "{said:?}");
    }
}

#[test]
fn a_worker_has_its_own_and_those_of_functions() {
    let mut environment = right();
    environment.remove("DARKROOM_MAX_UPLOAD");
    environment.insert("DARKROOM_CORS".to_owned(), "example.com".to_owned());
    for (name, value, _) in WRONG_WORKER {
        environment.insert(name.to_owned(), value.to_owned());
    }
    let said = WorkerSettings::from(&environment).expect_err("it is wrong").to_string();
    assert!(said.contains("DARKROOM_CORS"), "{said}");
    for (name, value, form) in WRONG_WORKER {
        let line = said
            .lines()
            .find(|line| line.contains(name))
            .unwrap_or_else(|| panic!("{name}: {said}"));
        assert!(line.contains(value) && line.contains(form), "{line}");
    }
}
