//! Template stores: embedded, folder, layers, memory.

use std::{fs, path::PathBuf, sync::Arc};

use futures::executor::block_on;
use oos_actions::product::{DirectoryTemplates, LayeredTemplates, MemoryTemplates, embedded};
use oos_core::{
    TemplateName,
    ports::template_store::{StoredTemplate, TemplateStore},
};

fn get(store: &dyn TemplateStore, name: &str, version: Option<&str>) -> Option<StoredTemplate> {
    block_on(store.get(&TemplateName::new(name), version)).unwrap()
}

fn names(store: &dyn TemplateStore) -> Vec<String> {
    block_on(store.list()).unwrap().iter().map(ToString::to_string).collect()
}

/// A folder of its own for one test, made anew.
fn folder(test: &str, files: &[(&str, &str)]) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("templates").join(test);
    let _ = fs::remove_dir_all(&root);
    for (file, text) in files {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

#[test]
fn memory_keeps_versions_and_gives_the_newest() {
    let store = MemoryTemplates::new().with("My-Template", "one");
    assert_eq!(store.insert("my-template", "two"), "v2");
    let newest = get(&store, "MY-TEMPLATE", None).unwrap();
    assert_eq!((newest.name.as_str(), newest.version.as_str(), &*newest.source.text), ("My-Template", "v2", "two"));
    assert_eq!(&*get(&store, "my-template", Some("V1")).unwrap().source.text, "one");
    assert_eq!(get(&store, "my-template", Some("v3")), None);
    assert_eq!(get(&store, "other", None), None);
    assert_eq!(names(&store), ["My-Template"]);
    assert!(store.remove(&TemplateName::new("my-template")) && !store.remove(&TemplateName::new("my-template")));
}

#[test]
fn a_folder_gives_what_its_files_are_named_after() {
    let root = folder(
        "names",
        &[
            ("ACS.ECS.RunCommand.yml", "run"),
            ("sub/ACS::ECS::StopInstance.yaml", "stop"),
            ("ACS-ECS-Bulky.json", "{}"),
            ("README.md", "no template"),
        ],
    );
    let store = DirectoryTemplates::open(&root).unwrap();
    assert_eq!(names(&store), ["ACS-ECS-Bulky", "ACS::ECS::RunCommand", "ACS::ECS::StopInstance"]);
    let found = get(&store, "acs::ecs::runcommand", None).unwrap();
    assert_eq!(
        (found.name.as_str(), found.version.as_str(), &*found.source.text),
        ("ACS::ECS::RunCommand", "v1", "run")
    );
    assert_eq!(&*found.source.name, "ACS.ECS.RunCommand.yml");
    assert!(get(&store, "ACS::ECS::RunCommand", Some("v1")).is_some());
    assert!(get(&store, "ACS::ECS::RunCommand", Some("v2")).is_none());
    assert!(get(&store, "ACS::ECS::Other", None).is_none());
}

#[test]
fn a_folder_is_read_when_it_is_asked() {
    let root = folder("lazy", &[("a.yml", "old"), ("b.yml", "x")]);
    let store = DirectoryTemplates::open(&root).unwrap();
    fs::write(root.join("a.yml"), "new").unwrap();
    assert_eq!(&*get(&store, "a", None).unwrap().source.text, "new");
    fs::write(root.join("b.yml"), [0xff, 0xfe]).unwrap();
    let error = block_on(store.get(&TemplateName::new("b"), None)).unwrap_err();
    assert!(error.to_string().ends_with("is not UTF-8 text"), "{error}");
    fs::remove_file(root.join("a.yml")).unwrap();
    assert!(block_on(store.get(&TemplateName::new("a"), None)).is_err());
    assert!(DirectoryTemplates::open(root.join("nowhere")).is_err());
}

#[test]
fn the_first_layer_that_has_a_template_gives_it() {
    let upper = MemoryTemplates::new().with("ACS::ECS::RunCommand", "mine");
    let lower = MemoryTemplates::new().with("acs::ecs::runcommand", "theirs").with("ACS::ECS::StopInstance", "stop");
    let store = LayeredTemplates::new(vec![Arc::new(upper), Arc::new(lower)]);
    assert_eq!(&*get(&store, "ACS::ECS::RunCommand", None).unwrap().source.text, "mine");
    assert_eq!(&*get(&store, "ACS::ECS::StopInstance", None).unwrap().source.text, "stop");
    assert_eq!(get(&store, "other", None), None);
    assert_eq!(names(&store), ["ACS::ECS::RunCommand", "ACS::ECS::StopInstance"]);
}

#[test]
fn embedded_templates_are_found_by_the_names_in_them() {
    let store = embedded();
    let listed = names(&store);
    assert_eq!(listed.len(), store.names().count());
    for name in store.names() {
        assert!(name.as_str().starts_with("ACS::"), "{name}");
        let found = get(&store, &name.as_str().to_ascii_lowercase(), Some("v1")).unwrap();
        assert_eq!(Some(&*found.source.text), store.text(name));
        assert_eq!(&found.name, name);
    }
    assert_eq!(get(&store, "ACS::ECS::NoSuchAction", None), None);
}

#[test]
fn embedded_templates_parse() {
    for name in embedded().names() {
        let text = embedded().text(name).unwrap();
        let template = oos_core::Template::parse(text).unwrap_or_else(|findings| panic!("{name}: {findings:?}"));
        assert!(!template.tasks.is_empty() && !template.has_trigger(), "{name}");
    }
}

#[test]
fn every_official_product_action_is_found_in_its_folder() {
    let Some(corpus) = std::env::var_os("OOS_CORPUS").map(PathBuf::from) else {
        println!("skipped: OOS_CORPUS is not set");
        return;
    };
    let store = DirectoryTemplates::open(corpus.join("actions")).unwrap();
    let listed = names(&store);
    assert_eq!(listed.len(), 199);
    assert!(listed.iter().all(|name| name.split("::").count() == 3));
    for name in listed {
        assert!(get(&store, &name, None).is_some_and(|t| t.source.text.contains("Tasks")), "{name}");
    }
}
