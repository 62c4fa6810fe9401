//! What AWS would ask, against what was worked out by hand, and as the command says it.

use std::process::Output;

use local::estimate::{Architecture, BreakEven, Estimate, Function, Inputs, Scenario};
use serde_json::Value;

use super::server::darkroom;

fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        darkroom(&[&["estimate"], arguments].concat()).output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("it says text");
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

fn line(scenario: &Scenario, service: &str, item: &str) -> f64 {
    let found = scenario.lines.iter().find(|line| (line.service, line.item) == (service, item));
    found.unwrap_or_else(|| panic!("no line {service}: {item}")).usd_a_month
}

/// What a million images more cost where all that is free is used up.
fn of_a_million(inputs: &Inputs, service: &str, item: &str) -> f64 {
    let [few, many] = [20_000_000, 21_000_000].map(|images| Scenario::of(inputs, images));
    line(&many, service, item) - line(&few, service, item)
}

fn assert_near(what: &str, found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= 0.005 * wanted.max(1.0), "{what}: {found}, not {wanted}");
}

/// The numbers behind each are those of a sheet of paper.
#[test]
fn a_million_images_cost_what_was_worked_out_by_hand() {
    let inputs = Inputs::default();
    for (service, item, wanted) in [
        // Two requests, 0.5 GB × 20 ms each.
        ("Lambda", "api", 0.267),
        // 0.5 GB × 120 ms and 80 ms, 1.7275 GB × 600 ms.
        ("Lambda", "ingest", 0.80),
        ("Lambda", "metadata", 0.533),
        ("Lambda", "resize", 13.82),
        // Two of the API, one of each stage, 0.20 a million.
        ("Lambda", "requests", 1.00),
        ("API Gateway", "requests", 2.00),
        // The upload and six variants, 5.00 a million.
        ("S3", "PUTs of uploads and variants", 35.00),
        ("S3", "copies, raw metadata, lists", 10.00),
        // A HEAD, three reads, and one view of ten that the CDN does not have.
        ("S3", "reads", 2.00),
        // 3.62 MB each, for a month.
        ("S3", "storage", 83.26),
        // Three queues, each sent to, received from and deleted from, 0.40 a million.
        ("SQS", "requests", 3.60),
        // Kilobytes and entries of indexes: 1 + 3, 2 + 5, 2, 2, 4, 4 + 3, together 26, 0.625 a million.
        ("DynamoDB", "writes", 16.25),
        // Eleven of the stages, two of a look, one of the sweep that removes it, 0.125 a million.
        ("DynamoDB", "reads", 1.75),
        ("CloudWatch", "logs", 2.50),
        // Ten views of 20 kB each.
        ("CloudFront", "requests", 10.00),
        ("CloudFront", "transfer", 17.00),
    ] {
        assert_near(item, of_a_million(&inputs, service, item), wanted);
    }
    let ten_at_once = Inputs { batch: 10, ..Inputs::default() };
    // S3's event, two requests of resize, and two sends and four of ingest and metadata for every ten.
    assert_near("a batch", of_a_million(&ten_at_once, "SQS", "requests"), 1.44);
    let on_x86 = Inputs { architecture: Architecture::X86, ..Inputs::default() };
    assert_near("x86", of_a_million(&on_x86, "Lambda", "resize"), 17.28);
}

#[test]
fn containers_are_cheaper_from_where_it_was_worked_out_by_hand() {
    let found = BreakEven::of(Architecture::Arm, 0.6);
    assert_near("functions", found.functions_usd_a_vcpu_hour / 3600.0 * 1e5, 2.303);
    let shares: Vec<_> = found.hosts.iter().map(|host| (host.name, host.busy_share)).collect();
    let wanted = [0.476, 0.143, 0.437, 0.481, 0.553];
    assert_eq!(shares.len(), wanted.len(), "{shares:?}");
    for ((name, share), wanted) in shares.into_iter().zip(wanted) {
        assert!((share - wanted).abs() < 0.001, "{name}: {share}, not {wanted}");
    }
    let fargate = &found.hosts[0];
    assert_near("a task for a month", fargate.least_usd_a_month, 28.8);
    assert!((2.05e6..2.15e6).contains(&fargate.images_a_month), "{fargate:?}");
    let names: Vec<_> =
        BreakEven::of(Architecture::X86, 0.6).hosts.iter().map(|host| host.name).collect();
    assert_eq!(names, ["Fargate", "Fargate Spot"], "the others are Graviton's");
}

/// The bill and the break-even are reckoned apart.
#[test]
fn at_the_break_even_functions_cost_what_the_least_of_a_host_does() {
    let resize = Function { megabytes: 3008, milliseconds: 350 };
    let inputs = Inputs { resize, ..Inputs::default() };
    for host in Estimate::of(inputs.clone(), &[]).break_even.hosts {
        let bill = Scenario::of(&inputs, host.images_a_month.round() as u32);
        let stages = ["ingest", "metadata", "resize"].map(|item| line(&bill, "Lambda", item));
        assert_near(host.name, stages.iter().sum(), host.least_usd_a_month);
    }
}

#[test]
fn without_images_only_polls_and_sweeps_are_paid_for() {
    let bill = Scenario::of(&Inputs::default(), 0);
    // Five mappings, five polls of twenty seconds each: 3,240,000 a month; and 8,640 sweeps, each sent,
    // received and deleted. A million is free.
    assert_near("polls", line(&bill, "SQS", "requests") * 100.0, 90.64);
    for line in &bill.lines {
        let standing = [("SQS", "requests"), ("Lambda", "sweeps"), ("Lambda", "requests")]
            .into_iter()
            .chain([("S3", "copies, raw metadata, lists"), ("DynamoDB", "reads")])
            .any(|of| of == (line.service, line.item));
        assert_eq!(line.usd_a_month > 0.0, standing, "{line:?}");
        assert_eq!(line.usd_a_million, None);
    }
    assert!((1.0..1.02).contains(&bill.usd_a_month), "{bill:?}");
}

#[test]
fn what_is_free_each_month_is_not_paid_for() {
    let inputs = Inputs::default();
    // Ten views each: ten million are free.
    for (images, requests) in [(1_000_000, 0.0), (1_100_000, 1.0), (2_000_000, 10.0)] {
        let bill = Scenario::of(&inputs, images);
        assert_near("requests", line(&bill, "CloudFront", "requests"), requests);
    }
    // Ten views of 20 kB each: a terabyte is five million images'.
    for (images, transfer) in [(5_000_000, 0.0), (6_000_000, 17.0)] {
        let bill = Scenario::of(&inputs, images);
        assert_near("transfer", line(&bill, "CloudFront", "transfer"), transfer);
    }
}

/// Each input, made larger, moves the bill the way it is to.
#[test]
fn more_of_anything_costs_more_and_better_use_less() {
    let total = |inputs: &Inputs| Scenario::of(inputs, 30_000_000).usd_a_month;
    let usual = Inputs::default();
    let larger = |function: Function| Function { megabytes: function.megabytes * 2, ..function };
    let longer =
        |function: Function| Function { milliseconds: function.milliseconds + 1, ..function };
    let dearer = [
        Inputs { architecture: Architecture::X86, ..usual.clone() },
        Inputs { variants: usual.variants + 1, ..usual.clone() },
        Inputs { upload_bytes: usual.upload_bytes + 1_000, ..usual.clone() },
        Inputs { variant_bytes: usual.variant_bytes + 1_000, ..usual.clone() },
        Inputs { views: usual.views + 1, ..usual.clone() },
        Inputs { months_kept: usual.months_kept + 1, ..usual.clone() },
        Inputs { log_bytes: usual.log_bytes + 1_000, ..usual.clone() },
        Inputs { api: longer(usual.api), ..usual.clone() },
        Inputs { ingest: longer(usual.ingest), ..usual.clone() },
        Inputs { metadata: larger(usual.metadata), ..usual.clone() },
        Inputs { resize: larger(usual.resize), ..usual.clone() },
    ];
    for inputs in dearer {
        assert!(total(&inputs) > total(&usual), "{inputs:?}");
    }
    let cheaper = [
        Inputs { cache_hits: usual.cache_hits + 1, ..usual.clone() },
        Inputs { batch: usual.batch + 1, ..usual.clone() },
    ];
    for inputs in cheaper {
        assert!(total(&inputs) < total(&usual), "{inputs:?}");
    }
    let months = [0, 1, 999, 1_000_000, 10_000_000, 1_000_000_000];
    let bills = months.map(|images| Scenario::of(&usual, images).usd_a_month);
    assert!(bills.is_sorted_by(|less, more| less < more), "{bills:?}");
}

#[test]
fn json_has_the_inputs_the_counts_the_bills_and_the_break_even() {
    let (code, said, complained) =
        run(&["--json", "--images", "0,250k", "--variants", "3", "--x86", "--resize", "3008x400"]);
    assert_eq!(code, 0, "{complained}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let estimate: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(estimate["inputs"]["architecture"], "x86");
    assert_eq!(estimate["inputs"]["resize"]["megabytes"], 3008);
    assert_eq!(estimate["inputs"]["resize"]["milliseconds"], 400);
    assert_eq!(estimate["per_image"]["s3_puts"], 4, "the upload and its variants");
    let scenarios = estimate["scenarios"].as_array().expect("a list");
    let images: Vec<_> = scenarios.iter().map(|scenario| scenario["images"].clone()).collect();
    assert_eq!(images, [0, 250_000]);
    assert!(scenarios[0]["usd_a_million"].is_null());
    let usd = |value: &Value| value["usd_a_month"].as_f64().expect("a number");
    for scenario in scenarios {
        let lines = scenario["lines"].as_array().expect("a list");
        let sum: f64 = lines.iter().map(usd).sum();
        assert!((sum - usd(scenario)).abs() < 1e-4, "{scenario:#}");
    }
    let each = scenarios[1]["usd_a_million"].as_f64().expect("a number");
    assert!((each / 4.0 - usd(&scenarios[1])).abs() < 1e-4, "a quarter of a million");
    assert!(estimate["break_even"]["hosts"][0]["images_a_month"].is_u64(), "{estimate:#}");
}

#[test]
fn the_page_says_what_the_json_does() {
    let (code, page, complained) = run(&["--images", "10k,2M"]);
    assert_eq!(code, 0, "{complained}");
    let (_, json, _) = run(&["--images", "10k,2M", "--json"]);
    let estimate: Value = serde_json::from_str(&json).expect("JSON");
    let amounts = |row: &str| -> Vec<f64> {
        let words = row.split_whitespace().rev().take(2);
        let mut amounts: Vec<_> =
            words.map(|word| word.replace(',', "").parse().expect("an amount")).collect();
        amounts.reverse();
        amounts
    };
    let totals: Vec<_> =
        page.lines().filter(|line| line.starts_with("Total")).flat_map(amounts).collect();
    let said =
        |of: &str| [0, 1].map(|at| estimate["scenarios"][at][of].as_f64().expect("a number"));
    let wanted = [said("usd_a_month"), said("usd_a_million")].concat();
    assert_eq!(totals.len(), 4, "{page}");
    for (total, wanted) in totals.iter().zip(wanted) {
        assert!((total - wanted).abs() < 0.006, "{total}, not {wanted}:\n{page}");
    }
    assert!(page.contains("2,000,000"), "{page}");
}

#[test]
fn the_measurements_have_what_the_command_prints() {
    let (_, page, _) = run(&[]);
    let told = include_str!("../../benches/README.md");
    assert!(told.contains(page.trim()), "paste this into benches/README.md:\n{page}");
}

#[test]
fn what_makes_no_sense_is_wrong_use() {
    for (flag, value, wanted) in [
        ("--images", "many", "10k"),
        ("--images", "5000M", "at most"),
        ("--images", "-1", "--images"),
        ("--images", "10kM", "10k"),
        ("--variants", "1001", "0..=1000"),
        ("--upload-size", "101MB", "at most"),
        ("--cache-hits", "101", "0..=100"),
        ("--batch", "0", "1..=10"),
        ("--resize", "1769", "1769x600"),
        ("--resize", "64x600", "128 to 10240"),
        ("--ingest", "512x0", "1 to 900000"),
    ] {
        let (code, said, complained) = run(&[&format!("{flag}={value}")]);
        assert_eq!((code, said.as_str()), (2, ""), "{flag} {value}");
        assert!(complained.contains(flag) && complained.contains(wanted), "{complained}");
    }
    assert_eq!(run(&["--arm", "--x86"]).0, 2);
}
