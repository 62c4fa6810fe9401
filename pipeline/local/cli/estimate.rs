//! `darkroom estimate`.

use std::fmt::Write as _;

use super::{End, Stop, say, say_line};
use crate::estimate::{Architecture, BreakEven, Estimate, Function, Inputs, Scenario};

/// Say what AWS would ask for running the cloud home
///
/// Computed here, from prices of us-east-1 and from what one image takes of each service, which the
/// tests count as far as an emulator can. The times of functions are assumptions until you give those
/// of your own, from the reports that Lambda logs.
///
/// Not included: tax, support, alarms, dashboards, tracing, backups, encryption under keys of your own, a
/// firewall, DNS, transfer between regions, work that is repeated after failures; nor is anything taken
/// off for the free tiers of Lambda, DynamoDB and logs, or for new accounts. Prices that fall with the
/// amount are taken at their first step.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// Images a month, one scenario each; `k` and `M` stand for thousand and million
    #[arg(
        long,
        value_name = "N",
        value_delimiter = ',',
        value_parser = images,
        default_value = "0,10k,1M,100M"
    )]
    images: Vec<u32>,
    /// Variants made at upload, of all formats together; unless given, those of the built-in presets
    #[arg(
        long,
        value_name = "N",
        default_value_t = Inputs::default().variants,
        value_parser = clap::value_parser!(u32).range(0..=1000)
    )]
    variants: u32,
    /// Size of an upload on average, in bytes or as 4MB
    #[arg(
        long,
        value_name = "SIZE",
        default_value_t = Inputs::default().upload_bytes,
        value_parser = size
    )]
    upload_size: u32,
    /// Size of a variant on average, in bytes or as 20KiB
    #[arg(
        long,
        value_name = "SIZE",
        default_value_t = Inputs::default().variant_bytes,
        value_parser = size
    )]
    variant_size: u32,
    /// How often variants of an image are fetched from the CDN in all
    #[arg(
        long,
        value_name = "N",
        default_value_t = Inputs::default().views,
        value_parser = clap::value_parser!(u32).range(0..=1_000_000)
    )]
    views: u32,
    /// How many of a hundred views the CDN answers without asking S3
    #[arg(
        long,
        value_name = "PERCENT",
        default_value_t = Inputs::default().cache_hits,
        value_parser = clap::value_parser!(u32).range(0..=100)
    )]
    cache_hits: u32,
    /// Months that an image is kept: storage is that of so many months' uploads
    #[arg(
        long,
        value_name = "N",
        default_value_t = Inputs::default().months_kept,
        value_parser = clap::value_parser!(u32).range(0..=1200)
    )]
    months_kept: u32,
    /// Messages that ingest and metadata are handed at once, as far as they come together
    #[arg(
        long,
        value_name = "N",
        default_value_t = Inputs::default().batch,
        value_parser = clap::value_parser!(u32).range(1..=10)
    )]
    batch: u32,
    /// Logs that an image makes, in bytes
    #[arg(
        long,
        value_name = "SIZE",
        default_value_t = Inputs::default().log_bytes,
        value_parser = size
    )]
    log_size: u32,
    /// Memory of the API's function, and what a request is billed on average
    #[arg(long, value_name = "MBxMS", default_value_t = Inputs::default().api)]
    api: Function,
    /// The same of ingest, for one image
    #[arg(long, value_name = "MBxMS", default_value_t = Inputs::default().ingest)]
    ingest: Function,
    /// The same of metadata
    #[arg(long, value_name = "MBxMS", default_value_t = Inputs::default().metadata)]
    metadata: Function,
    /// The same of resize
    #[arg(long, value_name = "MBxMS", default_value_t = Inputs::default().resize)]
    resize: Function,
    /// Functions and containers on Graviton, as when neither is given
    #[arg(long, conflicts_with = "x86")]
    arm: bool,
    /// Functions and containers on Intel and AMD
    #[arg(long)]
    x86: bool,
    /// One JSON line: inputs, what an image takes, a bill for each scenario, and the break-even
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<End, Stop> {
    let estimate = Estimate::of(arguments.inputs(), &arguments.images);
    if arguments.json {
        say_line(&estimate)?;
    } else {
        say(page(&estimate));
    }
    Ok(End::Done)
}

impl Arguments {
    fn inputs(&self) -> Inputs {
        Inputs {
            architecture: match (self.arm, self.x86) {
                (_, false) => Architecture::Arm,
                (_, true) => Architecture::X86,
            },
            variants: self.variants,
            upload_bytes: self.upload_size,
            variant_bytes: self.variant_size,
            views: self.views,
            cache_hits: self.cache_hits,
            months_kept: self.months_kept,
            batch: self.batch,
            log_bytes: self.log_size,
            api: self.api,
            ingest: self.ingest,
            metadata: self.metadata,
            resize: self.resize,
        }
    }
}

/// Reads `25000`, `10k` or `1M`.
fn images(text: &str) -> Result<u32, String> {
    let digits = text.trim_end_matches(['k', 'M']);
    let unit = match &text[digits.len()..] {
        "" => Some(1),
        "k" => Some(1_000),
        "M" => Some(1_000_000),
        _ => None,
    };
    let number = || digits.parse::<u32>().ok()?.checked_mul(unit?);
    let fits = number().filter(|&images| images <= 1_000_000_000);
    fits.ok_or_else(|| "a number such as 25000, 10k or 1M is wanted, at most 1000M".to_owned())
}

/// Reads a size that an upload may have.
fn size(text: &str) -> Result<u32, String> {
    let largest = imaging::Limits::default().bytes;
    let size = domain::forms::size(text).filter(|&size| size <= largest);
    let size = size.and_then(|size| u32::try_from(size).ok());
    size.ok_or_else(|| format!("a size such as 20KiB or 4MB is wanted, at most {largest} bytes"))
}

/// Everything, for people.
fn page(estimate: &Estimate) -> String {
    let Estimate { inputs, scenarios, break_even, .. } = estimate;
    let processors = match inputs.architecture {
        Architecture::Arm => "arm",
        Architecture::X86 => "x86",
    };
    let mut page = format!(
        "AWS, us-east-1, {processors}; variants: {} of {} bytes; uploads: {} bytes; views: {}; months kept: {}\n",
        inputs.variants,
        grouped(inputs.variant_bytes.to_string()),
        grouped(inputs.upload_bytes.to_string()),
        inputs.views,
        inputs.months_kept,
    );
    let months = |scenario: &Scenario| {
        let lines = scenario.lines.iter().map(|line| Some(line.usd_a_month));
        lines.chain([Some(scenario.usd_a_month)]).collect()
    };
    let millions = |scenario: &Scenario| {
        let lines = scenario.lines.iter().map(|line| line.usd_a_million);
        lines.chain([scenario.usd_a_million]).collect()
    };
    page.push_str(&table("USD a month, by images a month", scenarios, months));
    page.push_str(&table("USD a million uploads", scenarios, millions));
    page.push_str(&containers(break_even));
    page.push_str(
        "\nTimes of functions are assumptions unless given; --help says what is not included.",
    );
    page
}

/// A row for each line of the bill and for their sum, a column for each scenario.
fn table(
    title: &str,
    scenarios: &[Scenario],
    amounts: impl Fn(&Scenario) -> Vec<Option<f64>>,
) -> String {
    let Some(first) = scenarios.first() else { return String::new() };
    let names = first.lines.iter().map(|line| format!("{}: {}", line.service, line.item));
    let mut rows: Vec<String> =
        names.chain(["Total".to_owned()]).map(|name| format!("{name:<40}")).collect();
    let mut head = format!("\n{title:<40}");
    for scenario in scenarios {
        cell(&mut head, &grouped(scenario.images.to_string()));
        for (row, amount) in rows.iter_mut().zip(amounts(scenario)) {
            let text = amount.map_or_else(|| "–".to_owned(), |usd| grouped(format!("{usd:.2}")));
            cell(row, &text);
        }
    }
    format!("{head}\n{}\n", rows.join("\n"))
}

fn cell(row: &mut String, text: &str) {
    // Writing to a text does not fail.
    let _ = write!(row, " {text:>13}");
}

/// From where on containers are cheaper.
fn containers(break_even: &BreakEven) -> String {
    let mut text = format!(
        "\nContainers are cheaper than functions where their vCPUs are busier than u*, and never below N* \
         images\na month; an image takes {:.3} vCPU-seconds, functions ask {:.4} USD for a vCPU-hour\n\
         {:<40} {:>13} {:>13} {:>13} {:>13}\n",
        break_even.vcpu_seconds_an_image,
        break_even.functions_usd_a_vcpu_hour,
        "",
        "USD/vCPU-hour",
        "u*",
        "least USD",
        "N*",
    );
    for host in &break_even.hosts {
        let images = grouped(format!("{:.0}", host.images_a_month));
        let _ = writeln!(
            text,
            "{:<40} {:>13.4} {:>11.1} % {:>13.2} {images:>13}",
            host.name,
            host.usd_a_vcpu_hour,
            host.busy_share * 100.0,
            host.least_usd_a_month,
        );
    }
    text
}

/// A number's digits before the point in groups of three.
fn grouped(number: String) -> String {
    let whole = number.find('.').unwrap_or(number.len());
    let mut number = number;
    for at in (1..whole).rev().filter(|at| (whole - at).is_multiple_of(3)) {
        number.insert(at, ',');
    }
    number
}
