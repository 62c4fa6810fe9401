//! `darkroom keys`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Subcommand;
use domain::{
    Clock, Keyring, Sha256, Tenant,
    ports::{ApiKey, Role},
};

use super::{End, Stop, say, say_line};
use crate::{
    clock::SystemClock,
    data_directory::{DataDirectory, DataDirectoryError},
    database::Database,
};

/// What a secret begins with, so that people and scanners of source code know one when they see it.
const PREFIX: &str = "dk_";

/// Make, list and revoke API keys
///
/// Keys are kept in the data directory, as digests. A server that is running on it takes a new key,
/// and a revocation, at once.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Args, Clone, Debug)]
struct Data {
    /// The server's data directory
    #[arg(long, env = "DARKROOM_DATA", value_name = "DIR", default_value = "darkroom-data")]
    data: PathBuf,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Make a key; its secret is printed on standard output, this once
    Create {
        /// Whose images it opens: 1 to 64 of a-z, 0-9, - and _
        #[arg(long, default_value = "local")]
        tenant: Tenant,
        /// It also opens what is the home's: `/metrics`, and dead letters of no image
        #[arg(long)]
        operator: bool,
        /// What you call it
        #[arg(long, default_value = "")]
        label: String,
        /// Print the key and its secret as one JSON line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        data: Data,
    },
    /// List all keys, without their secrets
    List {
        /// One JSON line a key
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        data: Data,
    },
    /// Revoke a key
    Revoke {
        /// Its id, as `list` shows it
        id: String,
        #[command(flatten)]
        data: Data,
    },
}

pub(super) fn run(arguments: &Arguments) -> Result<End, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Stop::failure)?.block_on(act(&arguments.command))
}

async fn act(command: &Command) -> Result<End, Stop> {
    match command {
        Command::Create { tenant, operator, label, json, data } => {
            let ring = Ring::open(&data.data)?;
            let (key, secret) =
                mint(tenant, if *operator { Role::Operator } else { Role::Tenant }, label)?;
            let digest = Sha256::of(secret.as_bytes());
            ring.database.add(&key, digest).await.map_err(Stop::failure)?;
            if *json {
                say_line(&serde_json::json!({"key": key, "secret": secret}))?;
            } else {
                eprintln!(
                    "The key {} of {tenant}. Its secret is not kept and not shown again:",
                    key.id
                );
                say(secret);
            }
        }
        Command::List { json, data } => {
            for key in Ring::open(&data.data)?.database.keys().await.map_err(Stop::failure)? {
                if *json {
                    say_line(&key)?;
                    continue;
                }
                let state =
                    key.revoked_at.map_or("active".to_owned(), |at| format!("revoked {at}"));
                let role = match key.role {
                    Role::Tenant => "tenant",
                    Role::Operator => "operator",
                };
                say(format_args!(
                    "{}  {}  {role}  {}  {state}  {}",
                    key.id, key.tenant, key.created_at, key.label
                ));
            }
        }
        Command::Revoke { id, data } => {
            let ring = Ring::open(&data.data)?;
            ring.database.revoke(id, SystemClock.now()).await.map_err(Stop::failure)?;
            say(format_args!("{id} is revoked"));
        }
    }
    Ok(End::Done)
}

/// The keys of a data directory.
struct Ring {
    database: Database,
    /// Kept while no server runs on it.
    _directory: Option<DataDirectory>,
}

impl Ring {
    /// Where a server runs, the database is opened beside it; where none does, the directory is
    /// made if need be, since the first key comes before the first start.
    fn open(path: &Path) -> Result<Self, Stop> {
        let clock = Arc::new(SystemClock);
        match DataDirectory::open(path) {
            Ok(directory) => {
                let database = Database::open(&directory.database_path(), clock);
                let database = database.map_err(Stop::failure)?;
                Ok(Self { database, _directory: Some(directory) })
            }
            Err(DataDirectoryError::Locked { .. }) => {
                let visit = DataDirectory::visit(path).map_err(Stop::failure)?;
                let database = Database::visit(&visit.database_path(), clock);
                Ok(Self { database: database.map_err(Stop::failure)?, _directory: None })
            }
            Err(error) => Err(Stop::failure(error)),
        }
    }
}

fn mint(tenant: &Tenant, role: Role, label: &str) -> Result<(ApiKey, String), Stop> {
    let mut random = [0; 36];
    getrandom::fill(&mut random).map_err(Stop::failure)?;
    let (id, secret) = random.split_at(4);
    let key = ApiKey {
        id: format!("key_{}", hex::encode(id)),
        tenant: tenant.clone(),
        role,
        label: label.to_owned(),
        created_at: SystemClock.now(),
        revoked_at: None,
    };
    Ok((key, format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret))))
}
