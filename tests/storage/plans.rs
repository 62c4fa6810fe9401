//! Ten thousand images are served as fast as a hundred: no statement looks through a table.

use std::path::Path;

use domain::{Status, Tenant, query::Filter};
use local::database::statements;
use rusqlite::Connection;

use super::support::{database, temporary};

/// What `SQLite` says it does for a statement, a line a step.
fn plan(path: &Path, sql: &str) -> Vec<String> {
    let connection = Connection::open(path).expect("the database");
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect(sql);
    let values = vec![rusqlite::types::Value::Null; statement.parameter_count()];
    let steps = statement.query_map(rusqlite::params_from_iter(values), |row| row.get(3));
    steps.expect(sql).map(|step| step.expect("a step")).collect()
}

#[test]
fn every_frequent_statement_has_its_index() {
    let root = temporary();
    let database = database(root.path());
    let path = root.path().join("darkroom.db");
    let mut all: Vec<&str> = statements::FREQUENT.to_vec();
    for tenant in [None, Some(Tenant::local())] {
        for status in [None, Some(Status::Ready)] {
            all.push(statements::search(&Filter {
                tenant: tenant.clone(),
                status,
                ..Filter::default()
            }));
        }
    }
    assert_eq!(all.len(), 28);
    for sql in all {
        for step in plan(&path, sql) {
            // The loans are in an index of their own, of which all are given back.
            let scans = step.starts_with("SCAN") && !step.contains("message_lent");
            assert!(!scans && !step.contains("TEMP B-TREE"), "{sql}: {step}");
        }
    }
    // The check itself can fail.
    assert!(plan(&path, "SELECT * FROM image WHERE version = 1")[0].starts_with("SCAN"));
    drop(database);
}

#[test]
fn each_filter_of_a_search_has_an_index_to_begin_in() {
    let root = temporary();
    let database = database(root.path());
    let path = root.path().join("darkroom.db");
    let local = Some(Tenant::local());
    let ready = Some(Status::Ready);
    for (tenant, status, index) in [
        (None, None, "image_by_age (created_at>? AND"),
        (None, ready, "image_by_status (status=? AND created_at>? AND"),
        (local.clone(), None, "image_by_tenant (tenant=? AND created_at>? AND"),
        (local, ready, "image_by_tenant_and_status (tenant=? AND status=? AND created_at>? AND"),
    ] {
        let steps =
            plan(&path, statements::search(&Filter { tenant, status, ..Filter::default() }));
        assert!(steps.len() == 1 && steps[0].contains(index), "{index}: {steps:?}");
    }
    drop(database);
}
