//! Claims and rows. What a query means is said once, by `ExecutionQuery::matches` and `::sort`; stores answer the same.

use oos_core::{
    ExecutionId, Value,
    machine::ExecutionStatus,
    params,
    ports::{
        index::{ExecutionQuery, Summary},
        store::{Epoch, JournalWrite, StoreError},
    },
};

use super::{
    super::{equal, good, require},
    Check, Store,
    samples::{UNICODE, at, header, id, owner, row, started, write},
};
use crate::in_place::wait;

pub(super) const CHECKS: [Check; 6] = [
    claims_hold_until_their_lease_ends,
    a_sign_of_life_renews_what_an_owner_drives,
    lists_what_matches_in_order,
    pages_give_every_row_once,
    a_newer_row_replaces_the_older,
    removes_whole_trees,
];

fn claims_hold_until_their_lease_ends(store: &dyn Store) {
    let (id, first) = started(store, "claim");
    let (a, b) = (owner("a"), owner("b"));
    let claim = |who, now: i64, until: i64| wait(store.claim(&id, who, at(now), at(until)));
    let refused = |found: Result<Epoch, StoreError>, rule: &str| {
        require(matches!(found, Err(StoreError::Fenced { .. })), rule);
    };
    refused(claim(&b, 299, 900), "a lease that is not over refuses another owner");
    equal(&claim(&a, 100, 400), &Ok(first), "the owner renews without a new epoch");
    refused(claim(&b, 399, 900), "a renewed lease holds longer");
    let second = good(claim(&b, 400, 500), "a lease is over at its end");
    require(second > first, "a new owner gets a higher epoch");
    refused(claim(&a, 450, 900), "the former owner waits like everybody");
    equal(&claim(&b, 9_000, 9_100), &Ok(second), "an owner whose lease has ended goes on when nobody came");
    equal(&claim(&b, 9_000, 9_000), &Ok(second), "an owner may end its lease");
    let third = good(claim(&a, 9_000, 9_100), "a lease that was given up can be taken");
    require(third > second, "epochs only grow");
    let taken = wait(store.append(write(&id, 0, third, 1)));
    good(taken, "a refused claim takes nothing from the owner");
}

fn a_sign_of_life_renews_what_an_owner_drives(store: &dyn Store) {
    let (a, b) = (owner("alive"), owner("heir"));
    let [driven, taken, ended] = ["driven", "taken", "ended"].map(|name| id(&format!("renewed-{name}")));
    let begin = |id: &ExecutionId| {
        good(wait(store.create(&header(id))), "a header is kept");
        good(wait(store.claim(id, &a, at(0), at(60))), "a new execution can be claimed")
    };
    begin(&driven);
    begin(&taken);
    let epoch = begin(&ended);
    let last =
        JournalWrite { summaries: vec![row(&ended, ExecutionStatus::Success, at(0))], ..write(&ended, 0, epoch, 1) };
    good(wait(store.append(last)), "an end is kept");
    good(wait(store.claim(&taken, &b, at(60), at(80))), "a lease that is over can be taken");
    good(wait(store.renew(&a, at(120))), "a sign of life is taken");
    let claim = |id, who, now: i64| wait(store.claim(id, who, at(now), at(now + 60)));
    require(claim(&driven, &b, 119).is_err(), "a renewed lease refuses another owner");
    require(claim(&taken, &a, 79).is_err(), "what another has taken over stays with him");
    require(claim(&taken, &a, 80).is_ok(), "a sign of life renews no lease of another");
    require(claim(&ended, &b, 60).is_ok(), "a sign of life renews nothing for what has ended");
    good(wait(store.renew(&a, at(90))), "a sign of life is taken");
    require(claim(&driven, &b, 119).is_err(), "a sign of life makes no lease shorter");
    require(claim(&driven, &b, 120).is_ok(), "a renewed lease is over at its end");
    good(wait(store.renew(&owner("nobody"), at(900))), "an owner of nothing may give a sign");
}

/// Rows of two trees and some roots, in many statuses.
fn rows() -> Vec<Summary> {
    use ExecutionStatus as S;
    let statuses = [S::Started, S::Queued, S::Running, S::Waiting, S::Success, S::Failed, S::Cancelled];
    let names = [None, Some("ACS-ECS-Bulky"), Some("acs-ecs-bulkystop"), Some("重启STRASSE"), Some(UNICODE)];
    let categories = ["Other", "TimerTrigger", "EventTrigger"];
    let tags = [
        Value::Null,
        params! { "team" => "web" },
        params! { "team" => "Web", "n" => 1 },
        params! { "team" => "web", "键" => UNICODE, "n" => "1", "empty" => "" },
    ];
    let cycle = |n: usize, of: usize| n % of.max(1);
    let root = |n: usize| {
        // Some start at once, none in the order of their numbers.
        let start = at(i64::try_from(n * 3 % 5).unwrap_or(0));
        let status = statuses.get(cycle(n, 7)).copied().unwrap_or_default();
        Summary {
            template_name: names.get(cycle(n, 5)).copied().flatten().map(Into::into),
            category: categories.get(cycle(n, 3)).copied().unwrap_or_default().into(),
            tags: tags.get(cycle(n, 4)).cloned().unwrap_or_default(),
            // Both orders of letters, so that a store that folds case sorts wrongly.
            ..row(&id(&format!("{}{n}", if n.is_multiple_of(2) { "b" } else { "B" })), status, start)
        }
    };
    let mut rows: Vec<Summary> = (0..14).map(root).collect();
    for parent in [id("b0"), id("B1")] {
        for n in 0..6_u64 {
            // The order of children is neither that of their ids nor that of their starts.
            let child = ExecutionId::new(format!("{parent}.{n:04}"));
            let status = statuses.get(usize::from(n.is_multiple_of(2)) + 4).copied().unwrap_or_default();
            let child = row(&child, status, at(20 - i64::try_from(n).unwrap_or(0)));
            rows.push(Summary {
                root: parent.clone(),
                parent: Some(parent.clone()),
                order: (n * 5) % 7,
                category: "Other".into(),
                ..child
            });
        }
    }
    rows
}

fn fill(store: &dyn Store, rows: &[Summary]) {
    for row in rows.iter().filter(|row| row.id == row.root) {
        let epoch = {
            good(wait(store.create(&header(&row.id))), "a new execution is created");
            good(wait(store.claim(&row.id, &owner("a"), at(0), at(300))), "a new execution can be claimed")
        };
        let tree = rows.iter().filter(|r| r.root == row.id).cloned().collect();
        let write = JournalWrite { summaries: tree, ..write(&row.id, 0, epoch, 1) };
        good(wait(store.append(write)), "rows are written with records");
    }
}

/// Every filter alone and with every other, in both orders.
fn queries() -> Vec<ExecutionQuery> {
    use ExecutionStatus as S;
    type Change = fn(&mut ExecutionQuery);
    let changes: Vec<Change> = vec![
        |_| {},
        |q| q.include_children = true,
        |q| q.id = Some(id("b0")),
        |q| q.id = Some(ExecutionId::from("exec-b0.0003")),
        |q| q.id = Some(id("B0")),
        |q| q.parent = Some(id("b0")),
        |q| q.parent = Some(id("b2")),
        |q| q.root = Some(id("B1")),
        |q| q.status = vec![S::Running],
        |q| q.status = vec![S::Success, S::Failed],
        |q| q.template_name = Some("BULKY".to_owned()),
        |q| q.template_name = Some("重启".to_owned()),
        |q| q.template_name = Some("strasse".to_owned()),
        |q| q.template_name = Some("%".to_owned()),
        |q| q.template_name = Some(String::new()),
        |q| q.template_name = Some("i\u{307}".to_owned()),
        |q| q.category = Some("timertrigger".to_owned()),
        |q| q.category = Some("Timer".to_owned()),
        |q| q.tags = params! { "team" => "web" },
        |q| q.tags = params! { "n" => 1 },
        |q| q.tags = params! { "team" => "web", "键" => UNICODE },
        |q| q.tags = params! { "TEAM" => "web" },
        |q| q.tags = params! { "empty" => "" },
        |q| q.tags = params! { "absent" => "" },
    ];
    let mut queries = Vec::new();
    for first in &changes {
        for second in &changes {
            for ascending in [false, true] {
                let mut query = ExecutionQuery { ascending, limit: 1_000, ..ExecutionQuery::default() };
                first(&mut query);
                second(&mut query);
                queries.push(query);
            }
        }
    }
    queries
}

fn expected(rows: &[Summary], query: &ExecutionQuery) -> Vec<Summary> {
    let mut found: Vec<&Summary> = rows.iter().filter(|row| query.matches(row)).collect();
    query.sort(&mut found);
    found.into_iter().cloned().collect()
}

fn lists_what_matches_in_order(store: &dyn Store) {
    let rows = rows();
    fill(store, &rows);
    for query in queries() {
        let page = good(wait(store.list(&query)), "rows can be listed");
        let expected = expected(&rows, &query);
        equal(&page.total, &expected.len(), format_args!("all rows that match {query:?} are counted"));
        let ids = |rows: &[Summary]| rows.iter().map(|r| r.id.clone()).collect::<Vec<_>>();
        equal(&ids(&page.rows), &ids(&expected), format_args!("the rows of {query:?} come in order"));
        equal(&page.rows, &expected, "rows come back as written");
    }
}

fn pages_give_every_row_once(store: &dyn Store) {
    let rows = rows();
    fill(store, &rows);
    for (include_children, ascending) in [(false, false), (true, false), (true, true)] {
        let query = ExecutionQuery { include_children, ascending, limit: 3, ..ExecutionQuery::default() };
        let expected = expected(&rows, &query);
        let mut found = Vec::new();
        while found.len() < expected.len() {
            let page = ExecutionQuery { offset: found.len(), ..query.clone() };
            let page = good(wait(store.list(&page)), "a page can be read");
            equal(&page.total, &expected.len(), "every page tells the number of all rows");
            require(!page.rows.is_empty() && page.rows.len() <= 3, "a page has at most `limit` rows, and some");
            found.extend(page.rows);
        }
        equal(&found, &expected, "pages give every row once, in order");
        let behind = ExecutionQuery { offset: 1_000, ..query };
        let page = good(wait(store.list(&behind)), "a page behind the end can be read");
        require(page.rows.is_empty() && page.total == expected.len(), "a page behind the end is empty");
    }
    let page = good(wait(store.list(&ExecutionQuery::default())), "rows can be listed without a limit");
    let expected = expected(&rows, &ExecutionQuery::default());
    require(!page.rows.is_empty() && expected.starts_with(&page.rows), "without a limit there is a first page");
}

fn a_newer_row_replaces_the_older(store: &dyn Store) {
    let (id, epoch) = started(store, "row");
    let first = Summary { tags: params! { "a" => 1, "b" => 2 }, ..row(&id, ExecutionStatus::Running, at(0)) };
    let second = Summary { tags: params! { "b" => 3 }, ..row(&id, ExecutionStatus::Waiting, at(1)) };
    let third = row(&id, ExecutionStatus::Success, at(2));
    for (seq, row) in (0_u64..).zip([first, second, third.clone()]) {
        let write = JournalWrite { summaries: vec![row.clone()], ..write(&id, seq, epoch, 1) };
        good(wait(store.append(write)), "a row can be written again");
        for tags in [Value::Null, params! { "a" => 1 }, params! { "b" => 2 }, params! { "b" => 3 }] {
            let query = ExecutionQuery { tags, limit: 9, ..ExecutionQuery::default() };
            let found = good(wait(store.list(&query)), "rows can be listed").rows;
            equal(&found, &expected(std::slice::from_ref(&row), &query), "only the newest row of an id counts");
        }
    }
    let write = JournalWrite { summaries: vec![third.clone(), third.clone()], ..write(&id, 3, epoch, 0) };
    good(wait(store.append(write)), "rows may come without records");
}

fn removes_whole_trees(store: &dyn Store) {
    let rows = rows();
    fill(store, &rows);
    let child = ExecutionId::from("exec-B1.0002");
    let gone = [id("b0"), id("b2"), id("unknown"), child];
    good(wait(store.remove(&gone)), "executions can be removed, and what is not there does not matter");
    good(wait(store.remove(&gone)), "removing again changes nothing");
    good(wait(store.remove(&[])), "nothing can be removed");
    let rest: Vec<Summary> = rows.iter().filter(|r| r.root != id("b0") && r.root != id("b2")).cloned().collect();
    let query = ExecutionQuery { include_children: true, limit: 1_000, ..ExecutionQuery::default() };
    let found = good(wait(store.list(&query)), "rows can be listed");
    equal(&found.rows, &expected(&rest, &query), "trees of the named roots go, the others stay");
    let missing = wait(store.load(&id("b0")));
    require(matches!(missing, Err(StoreError::NotFound(_))), "a removed journal is not found");
    good(wait(store.load(&id("B1"))), "other journals stay");
    let (again, epoch) = started(store, "b0");
    good(wait(store.append(write(&again, 0, epoch, 1))), "a removed id can be used again");
}
