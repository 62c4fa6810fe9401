//! From where on containers that always run are cheaper than functions.
//!
//! A function is billed only while it works, a container always. So containers win once the share of their
//! time in which they are busy is higher than the ratio of the prices (u*); and no fleet is smaller than one
//! container, so below some number of images (N*) even a single one costs more than all functions together.
//! Compared are the stages alone: the API, objects, queues and the table cost the same either way, and what
//! containers poll of the queues, functions do.

use serde::{Serialize, Serializer};

use super::{Architecture, prices as usd, rounded};

/// Gigabytes of memory of a container of one vCPU.
const GB_OF_A_VCPU: f64 = 2.0;

/// For an image of so many seconds of a vCPU.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BreakEven {
    /// Seconds of a vCPU that an image takes, in functions and in containers alike.
    #[serde(serialize_with = "rounded")]
    pub vcpu_seconds_an_image: f64,
    /// USD for an hour of a vCPU of functions.
    #[serde(serialize_with = "rounded")]
    pub functions_usd_a_vcpu_hour: f64,
    /// What containers run on.
    pub hosts: Vec<Host>,
}

/// Something that containers run on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Host {
    /// What it is.
    pub name: &'static str,
    /// USD for an hour of a vCPU.
    #[serde(serialize_with = "rounded")]
    pub usd_a_vcpu_hour: f64,
    /// u*: cheaper where its vCPUs are busy for more than this share of the time.
    #[serde(serialize_with = "rounded")]
    pub busy_share: f64,
    /// USD for the least that there is of it, running all month.
    #[serde(serialize_with = "rounded")]
    pub least_usd_a_month: f64,
    /// N*: not cheaper below this number of images a month.
    #[serde(serialize_with = "whole")]
    pub images_a_month: f64,
}

/// A name, USD for an hour of a vCPU, and the fewest vCPUs that can be had.
type Offer = (&'static str, f64, f64);

impl BreakEven {
    /// Against functions of the same processors.
    pub fn of(architecture: Architecture, vcpu_seconds: f64) -> Self {
        let gb = usd::LAMBDA_MB_OF_A_VCPU / 1024.0;
        let functions = gb * architecture.lambda_gb_second() * 3600.0;
        let hosts = offers(architecture).into_iter().map(|(name, vcpu_hour, fewest)| {
            let least = vcpu_hour * fewest * usd::HOURS;
            Host {
                name,
                usd_a_vcpu_hour: vcpu_hour,
                busy_share: vcpu_hour / functions,
                least_usd_a_month: least,
                images_a_month: least / (vcpu_seconds / 3600.0 * functions),
            }
        });
        Self {
            vcpu_seconds_an_image: vcpu_seconds,
            functions_usd_a_vcpu_hour: functions,
            hosts: hosts.collect(),
        }
    }
}

fn offers(architecture: Architecture) -> Vec<Offer> {
    let fargate = architecture.fargate_vcpu_hour() + GB_OF_A_VCPU * architecture.fargate_gb_hour();
    let mut offers: Vec<Offer> =
        vec![("Fargate", fargate, 1.0), ("Fargate Spot", fargate * usd::SPOT, 1.0)];
    if architecture == Architecture::Arm {
        let (c7g, c8g) = (usd::C7G_LARGE_HOUR / 2.0, usd::C8G_LARGE_HOUR / 2.0);
        // Managed instances keep three environments, and a vCPU and a gigabyte of each for themselves, which
        // is not in here.
        offers.extend([
            ("EC2 c7g.large", c7g, 2.0),
            ("EC2 c8g.large", c8g, 2.0),
            ("Lambda Managed Instances, c8g", c8g * usd::LMI, 3.0),
        ]);
    }
    offers
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over so")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of images, of which more than fit are all that fit"
)]
fn whole<S: Serializer>(images: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(images.round() as u64)
}
