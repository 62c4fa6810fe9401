//! A month's bill, line by line.

use serde::{Serialize, Serializer};

use super::{Counts, Function, Inputs, counts::SWEEPS, prices as usd, rounded};

/// Queues that are mapped to functions: those of the four stages, and the dead letters.
const MAPPINGS: f64 = 5.0;

/// Long polls of a mapping that has nothing to do: five at a time, of twenty seconds each. Known.
const POLLS_A_DAY: f64 = 5.0 * 86_400.0 / 20.0;

/// The sweeper is sent every five minutes; the scheduler's own calls are free.
const SWEEPS_A_DAY: f64 = 86_400.0 / 300.0;

/// A message of the sweeper is sent, received and deleted.
const REQUESTS_OF_A_SWEEP: f64 = 3.0;

/// Lists of one: of the uploads that wait, and of those by parts. Derived.
const LISTS_OF_A_SWEEP: f64 = 2.0;

/// Uploads that are listed at a time. Known.
const LISTED: f64 = 1000.0;

/// Read units of one that finds nothing: three queries of an index, half a unit each. Derived.
const READS_OF_A_SWEEP: f64 = 1.5;

/// The function of the sweeper, and what it takes where it finds nothing. Assumed.
const SWEEP: Function = Function { megabytes: 512, milliseconds: 200 };

/// What it takes for each upload that it looks at: a read of the table. Assumed.
const SWEPT: Function = Function { megabytes: 512, milliseconds: 5 };

/// One line of a bill.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Who asks for it.
    pub service: &'static str,
    /// What for.
    pub item: &'static str,
    /// USD a month.
    #[serde(serialize_with = "rounded")]
    pub usd_a_month: f64,
    /// USD a million uploads; none where there are none.
    #[serde(serialize_with = "rounded_if_any")]
    pub usd_a_million: Option<f64>,
}

/// A month with so many images.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scenario {
    /// Uploads a month, evenly spread.
    pub images: u32,
    /// The same lines in every scenario.
    pub lines: Vec<Line>,
    /// USD a month, all lines together.
    #[serde(serialize_with = "rounded")]
    pub usd_a_month: f64,
    /// USD a million uploads; none where there are none.
    #[serde(serialize_with = "rounded_if_any")]
    pub usd_a_million: Option<f64>,
}

impl Scenario {
    /// Its bill.
    pub fn of(inputs: &Inputs, images: u32) -> Self {
        let lines = lines(inputs, images);
        let usd_a_month = lines.iter().map(|line| line.usd_a_month).sum();
        Self { images, lines, usd_a_month, usd_a_million: a_million(usd_a_month, images) }
    }
}

fn a_million(usd_a_month: f64, images: u32) -> Option<f64> {
    (images > 0).then(|| usd_a_month / f64::from(images) * usd::MILLION)
}

fn lines(inputs: &Inputs, images: u32) -> Vec<Line> {
    let line = |service, item, usd_a_month| {
        let usd_a_million = a_million(usd_a_month, images);
        Line { service, item, usd_a_month, usd_a_million }
    };
    let each = Counts::of(inputs);
    let images = f64::from(images);
    let times = |count: u32| images * f64::from(count);
    let time = |function: Function, calls: f64| {
        calls * function.gb_seconds() * inputs.architecture.lambda_gb_second()
    };
    let variant_gb = f64::from(inputs.variant_bytes) / usd::GB;
    let image_gb =
        f64::from(inputs.upload_bytes) / usd::GB + f64::from(inputs.variants) * variant_gb;

    let sweeps = SWEEPS_A_DAY * usd::DAYS;
    let polls = MAPPINGS * POLLS_A_DAY * usd::DAYS;
    let invocations = times(each.api_requests) + images * each.stage_invocations + sweeps;
    let queued = images * each.sqs_requests + polls + sweeps * REQUESTS_OF_A_SWEEP;
    let views = times(inputs.views);
    let misses = views * f64::from(100 - inputs.cache_hits) / 100.0;
    let kept = times(inputs.months_kept);

    let lists = sweeps * LISTS_OF_A_SWEEP + times(SWEEPS) / LISTED;
    let s3_others = times(each.s3_other_writes) + lists;
    let s3_reads = times(each.s3_reads) + misses;
    let table_reads = times(each.dynamodb_read_units) + sweeps * READS_OF_A_SWEEP;
    let table_gb = kept * f64::from(each.dynamodb_bytes) / usd::GB;
    let log_gb = times(inputs.log_bytes) / usd::GB;
    let cdn_requests = beyond(views, usd::CDN_FREE_REQUESTS);
    let cdn_gb = beyond(views * variant_gb, usd::CDN_FREE_GB);
    vec![
        line("Lambda", "api", time(inputs.api, times(each.api_requests))),
        line("Lambda", "ingest", time(inputs.ingest, images)),
        line("Lambda", "metadata", time(inputs.metadata, images)),
        line("Lambda", "resize", time(inputs.resize, images)),
        line("Lambda", "sweeps", time(SWEEP, sweeps) + time(SWEPT, times(SWEEPS))),
        line("Lambda", "requests", invocations * usd::LAMBDA_REQUEST),
        line("API Gateway", "requests", times(each.api_requests) * usd::API_REQUEST),
        line("S3", "PUTs of uploads and variants", times(each.s3_puts) * usd::S3_WRITE),
        line("S3", "copies, raw metadata, lists", s3_others * usd::S3_WRITE),
        line("S3", "reads", s3_reads * usd::S3_READ),
        line("S3", "storage", kept * image_gb * usd::S3_GB_MONTH),
        line("SQS", "requests", beyond(queued, usd::SQS_FREE) * usd::SQS_REQUEST),
        line("DynamoDB", "writes", times(each.dynamodb_write_units) * usd::DYNAMODB_WRITE),
        line("DynamoDB", "reads", table_reads * usd::DYNAMODB_READ),
        line("DynamoDB", "storage", table_gb * usd::DYNAMODB_GB_MONTH),
        line("CloudWatch", "logs", log_gb * usd::LOGS_GB),
        line("CloudFront", "requests", cdn_requests * usd::CDN_REQUEST),
        line("CloudFront", "transfer", cdn_gb * usd::CDN_GB),
    ]
}

/// What is left to pay for.
fn beyond(amount: f64, free: f64) -> f64 {
    (amount - free).max(0.0)
}

#[expect(clippy::ref_option, reason = "serde hands fields over so")]
fn rounded_if_any<S: Serializer>(amount: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match amount {
        Some(amount) => rounded(amount, serializer),
        None => serializer.serialize_none(),
    }
}
