//! The promises of [`Keyring`](crate::Keyring).

use super::{Adapters, Check, Outcome, samples, trial};
use crate::{
    Sha256, StoreError,
    ports::{ApiKey, Role},
};

/// Every check of this port.
pub const CHECKS: &[Check] = trial::checks! { "keyring";
    key_opens_its_tenant => "A key opens its tenant's images, and what is the home's only where it is an operator's; no other secret does.";
    revoked_opens_nothing => "A revoked key opens nothing; revoking again changes nothing, and other keys open on.";
    keys_are_listed => "All keys are listed, revoked ones too, the oldest first, as they were added.";
    names_and_secrets_are_unique => "A key with the name or the secret of another is not added.";
    unknown_key_is_missing => "Revoking a key that is not there is answered as missing.";
    restart_keeps_keys => "Keys and their revocation survive that the home is stopped without warning.";
};

fn key(number: u8, tenant: &str) -> (ApiKey, Sha256) {
    let key = ApiKey {
        id: format!("key-{number}"),
        tenant: samples::tenant(tenant),
        role: if number.is_multiple_of(2) { Role::Operator } else { Role::Tenant },
        label: format!("Label “{number}”"),
        created_at: samples::at(i64::from(number)),
        revoked_at: None,
    };
    (key, Sha256::of(&[number]))
}

async fn key_opens_its_tenant(home: Adapters) -> Outcome {
    let (ours, theirs) = (key(1, "ours"), key(2, "theirs"));
    trial::same("an empty ring", &home.keyring.owner(ours.1).await?, &None)?;
    for (key, secret) in [&ours, &theirs] {
        home.keyring.add(key, *secret).await?;
    }
    for (key, secret) in [&ours, &theirs] {
        let owner = home.keyring.owner(*secret).await?;
        trial::same("whose key it is", &owner, &Some(key.owner()))?;
    }
    trial::same("another secret", &home.keyring.owner(Sha256::of(b"other")).await?, &None)
}

async fn revoked_opens_nothing(home: Adapters) -> Outcome {
    let (gone, kept) = (key(1, "ours"), key(2, "ours"));
    for (key, secret) in [&gone, &kept] {
        home.keyring.add(key, *secret).await?;
    }
    for second in [100, 200] {
        home.keyring.revoke(&gone.0.id, samples::at(second)).await?;
        trial::same("the revoked key", &home.keyring.owner(gone.1).await?, &None)?;
    }
    let owner = home.keyring.owner(kept.1).await?;
    trial::same("the other key", &owner, &Some(kept.0.owner()))?;
    let revoked: Vec<_> = home.keyring.keys().await?.iter().map(|key| key.revoked_at).collect();
    trial::same("since when", &revoked, &vec![Some(samples::at(100)), None])
}

async fn keys_are_listed(home: Adapters) -> Outcome {
    trial::same("an empty ring", &home.keyring.keys().await?, &Vec::new())?;
    let keys: Vec<_> = (1..=5).map(|number| key(number, "ours")).collect();
    for n in [3, 0, 4, 2, 1] {
        home.keyring.add(&keys[n].0, keys[n].1).await?;
    }
    home.keyring.revoke(&keys[2].0.id, samples::at(9)).await?;
    let mut wanted: Vec<_> = keys.into_iter().map(|(key, _)| key).collect();
    wanted[2].revoked_at = Some(samples::at(9));
    trial::same("the keys", &home.keyring.keys().await?, &wanted)
}

async fn names_and_secrets_are_unique(home: Adapters) -> Outcome {
    let (first, secret) = key(1, "ours");
    home.keyring.add(&first, secret).await?;
    let (second, other) = key(2, "theirs");
    let same_name = ApiKey { id: first.id.clone(), ..second.clone() };
    for (key, secret) in [(same_name, other), (second, secret)] {
        let answer = home.keyring.add(&key, secret).await;
        let refused = matches!(answer, Err(StoreError::Conflict(_)));
        trial::ensure!(refused, "expected Conflict for {key:?}, found {answer:?}");
    }
    trial::same("the keys", &home.keyring.keys().await?, &vec![first.clone()])?;
    let owner = home.keyring.owner(secret).await?;
    trial::same("whose key it is", &owner, &Some(first.owner()))?;
    trial::same("the refused secret", &home.keyring.owner(other).await?, &None)
}

async fn unknown_key_is_missing(home: Adapters) -> Outcome {
    trial::missing("the revocation", home.keyring.revoke("nobody", samples::at(1)).await)
}

async fn restart_keeps_keys(home: Adapters) -> Outcome {
    let (gone, kept) = (key(1, "ours"), key(2, "ours"));
    for (key, secret) in [&gone, &kept] {
        home.keyring.add(key, *secret).await?;
    }
    home.keyring.revoke(&gone.0.id, samples::at(9)).await?;
    let before = home.keyring.keys().await?;
    let home = home.restarted().await?;
    trial::same("the keys", &home.keyring.keys().await?, &before)?;
    trial::same("the revoked key", &home.keyring.owner(gone.1).await?, &None)?;
    let owner = home.keyring.owner(kept.1).await?;
    trial::same("the other key", &owner, &Some(kept.0.owner()))
}
