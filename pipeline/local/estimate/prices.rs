//! What AWS asks, in USD, us-east-1, on demand, without tax, as read in November 2026.
//!
//! Prices of AWS's own pages are marked so; "others" are tables that were copied from them; "known" is
//! general knowledge. Check those two before you rely on them. Where a price falls with the amount, the
//! first step's stands for all, so large scenarios are a little too dear.

use serde::Serialize;

/// Processors of the functions, and of the containers that they are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// Graviton.
    Arm,
    /// Intel and AMD.
    X86,
}

impl Architecture {
    /// A gigabyte of a function's memory for a second. Others.
    pub fn lambda_gb_second(self) -> f64 {
        match self {
            Self::Arm => 0.000_013_333_4,
            Self::X86 => 0.000_016_666_7,
        }
    }

    /// A vCPU of Fargate for an hour. Others.
    pub fn fargate_vcpu_hour(self) -> f64 {
        match self {
            Self::Arm => 0.032_38,
            Self::X86 => 0.040_48,
        }
    }

    /// A gigabyte of Fargate for an hour. Others.
    pub fn fargate_gb_hour(self) -> f64 {
        match self {
            Self::Arm => 0.003_56,
            Self::X86 => 0.004_445,
        }
    }
}

/// An invocation. Others.
pub const LAMBDA_REQUEST: f64 = 0.20 / MILLION;
/// Megabytes of a function that has one whole vCPU; with less memory it has as much less. AWS.
pub const LAMBDA_MB_OF_A_VCPU: f64 = 1769.0;
/// A request to an HTTP API. Known.
pub const API_REQUEST: f64 = 1.00 / MILLION;
/// PUT, COPY and LIST. DELETE is free. Others.
pub const S3_WRITE: f64 = 5.00 / MILLION;
/// GET and HEAD. AWS.
pub const S3_READ: f64 = 0.40 / MILLION;
/// A gigabyte for a month. AWS; it counts 2³⁰ bytes as one, so this is up to 7 % too much.
pub const S3_GB_MONTH: f64 = 0.023;
/// Any request to a standard queue, of up to 64 KiB. Known.
pub const SQS_REQUEST: f64 = 0.40 / MILLION;
/// Requests to SQS that are free each month. Known.
pub const SQS_FREE: f64 = MILLION;
/// A write of up to 1 KiB, to the table or to an index. AWS.
pub const DYNAMODB_WRITE: f64 = 0.625 / MILLION;
/// A consistent read of up to 4 KiB. AWS.
pub const DYNAMODB_READ: f64 = 0.125 / MILLION;
/// A gigabyte for a month. AWS.
pub const DYNAMODB_GB_MONTH: f64 = 0.25;
/// A gigabyte of logs taken in. Known.
pub const LOGS_GB: f64 = 0.50;
/// An HTTPS request to the CDN. Others.
pub const CDN_REQUEST: f64 = 1.00 / MILLION;
/// Requests to the CDN that are free each month. Others.
pub const CDN_FREE_REQUESTS: f64 = 10.0 * MILLION;
/// A gigabyte from the CDN to North America or Europe. Others.
pub const CDN_GB: f64 = 0.085;
/// Gigabytes from the CDN that are free each month. Others.
pub const CDN_FREE_GB: f64 = 1000.0;

/// Fargate that may be taken away at any time, as a share of its price; queues make that safe. Others: up to
/// 70 % off.
pub const SPOT: f64 = 0.30;
/// An hour of c7g.large, of two vCPUs. Known.
pub const C7G_LARGE_HOUR: f64 = 0.072_5;
/// An hour of c8g.large, of two vCPUs. Known.
pub const C8G_LARGE_HOUR: f64 = 0.079_76;
/// What Lambda Managed Instances ask beside the instances, as a factor of their price. AWS.
pub const LMI: f64 = 1.15;

/// Hours of a month, on average.
pub const HOURS: f64 = 730.0;
/// Days of a month, as AWS's own examples count them.
pub const DAYS: f64 = 30.0;
/// Prices are told per so many.
pub const MILLION: f64 = 1e6;
/// Bytes of a gigabyte here.
pub const GB: f64 = 1e9;
