//! The reference page is the one that the signatures make. `OOS_BLESS=1 cargo test -p oos-actions --test reference`
//! writes it anew.

#![expect(clippy::disallowed_methods, reason = "tests read the environment")]

use std::{fs, path::Path};

use oos_core::ports::action::ActionCatalog;

#[test]
fn the_page_is_fresh() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/actions.md");
    let page = oos_actions::reference::page(&oos_actions::standard());
    if std::env::var("OOS_BLESS").is_ok() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &page).unwrap();
    }
    assert!(fs::read_to_string(&file).unwrap_or_default() == page, "docs/actions.md is stale; run with OOS_BLESS=1");
}

#[test]
fn the_page_names_every_property_result_and_failure() {
    let registry = oos_actions::standard();
    let page = oos_actions::reference::page(&registry);
    let names = registry.names();
    assert_eq!(names.len(), 16 + oos_actions::product::embedded().names().count());
    for name in names {
        let heading = format!("### {name}\n");
        let start = page.find(&heading).unwrap() + heading.len();
        let part = page[start..].split("\n### ").next().unwrap();
        let signature = registry.signature(&name).unwrap();
        let rows = signature.properties.iter().map(|p| &p.name);
        let rows =
            rows.chain(signature.outputs.iter().map(|o| &o.name)).chain(signature.failures.iter().map(|f| &f.code));
        for row in rows {
            assert!(part.contains(&format!("| `{row}` |")), "{name} {row}");
        }
        for default in signature.properties.iter().filter_map(|p| p.default.as_ref()).map(ToString::to_string) {
            let shown: String = default.chars().take(60).collect();
            assert!(part.contains(&shown.replace('|', "\\|").replace('\n', " ")), "{name} {default}");
        }
    }
}
