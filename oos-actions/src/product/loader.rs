//! What name a template's text or file goes by.

use oos_core::TemplateName;

/// Endings of files that hold templates.
pub const EXTENSIONS: [&str; 3] = ["yml", "yaml", "json"];

/// The name of a template text: the `ACS::<Product>::<Name>` of its first comment line, else of a line `name:` or
/// `name-en:`, else what its path says.
pub fn name_of(path: &str, text: &str) -> TemplateName {
    in_comment(text).or_else(|| in_name_line(text)).map_or_else(|| name_of_path(path), TemplateName::new)
}

/// The name that a file name stands for: `ACS.ECS.RunCommand.yml` and `ACS::ECS::RunCommand.yml` are
/// `ACS::ECS::RunCommand`, `ecs/RunCommand.yml` too; `ACS-ECS-BulkyRunCommand.yml` is the template of that name.
pub fn name_of_path(path: &str) -> TemplateName {
    let path = path.replace('\\', "/");
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", &path));
    let stem = EXTENSIONS.iter().find_map(|e| file.strip_suffix(e)?.strip_suffix('.')).unwrap_or(file);
    let folder = folder.rsplit('/').next().unwrap_or_default();
    if stem.contains("::") {
        TemplateName::new(stem)
    } else if stem.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("ACS.")) {
        TemplateName::new(stem.replace('.', "::"))
    } else if folder.is_empty() || stem.contains('-') {
        TemplateName::new(stem)
    } else {
        TemplateName::new(format!("ACS::{}::{stem}", folder.to_ascii_uppercase()))
    }
}

/// True for a file name that may hold a template.
pub fn is_template_file(file: &str) -> bool {
    EXTENSIONS.iter().any(|e| file.strip_suffix(e).is_some_and(|stem| stem.ends_with('.') && stem.len() > 1))
}

fn in_comment(text: &str) -> Option<&str> {
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    first.trim().strip_prefix('#')?.split_whitespace().find(|word| is_action_name(word))
}

fn in_name_line(text: &str) -> Option<&str> {
    let value = |line: &'_ str| -> Option<usize> { line.find(':').filter(|_| !line.trim_start().starts_with('#')) };
    text.lines().find_map(|line| {
        let at = value(line)?;
        let key = line.get(..at)?.trim();
        let name = line.get(at + 1..)?.trim().trim_matches(['\'', '"']);
        (["name", "name-en"].contains(&key) && is_action_name(name)).then_some(name)
    })
}

fn is_action_name(word: &str) -> bool {
    let fits =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    word.split("::").count() == 3 && word.split("::").all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_stand_for_names() {
        let table = [
            ("ACS.ECS.RunCommand.yml", "ACS::ECS::RunCommand"),
            ("ACS::ECS::RunCommand.yml", "ACS::ECS::RunCommand"),
            ("/x/y/ACS.CS.FCRunCommand.json", "ACS::CS::FCRunCommand"),
            ("ecs/RunCommand.yaml", "ACS::ECS::RunCommand"),
            ("public/ACS-ECS-BulkyRunCommand.yml", "ACS-ECS-BulkyRunCommand"),
            ("my-template.yml", "my-template"),
            ("mine.yml", "mine"),
        ];
        for (path, name) in table {
            assert_eq!(name_of_path(path).as_str(), name, "{path}");
        }
    }

    #[test]
    fn the_text_knows_its_name_better_than_the_path() {
        assert_eq!(name_of("x/y.yml", "\n# ACS::ECS::StopInstance: stops\nTasks: []").as_str(), "ACS::X::y");
        assert_eq!(name_of("x/y.yml", "# ACS::ECS::StopInstance\nTasks: []").as_str(), "ACS::ECS::StopInstance");
        let named = "FormatVersion: OOS-2019-06-01\nDescription:\n  name-en: ACS::ECS::RunCommand\n";
        assert_eq!(name_of("x/y.yml", named).as_str(), "ACS::ECS::RunCommand");
        assert_eq!(name_of("ecs/RunCommand.yml", "Tasks:\n- Name: a\n").as_str(), "ACS::ECS::RunCommand");
    }

    #[test]
    fn other_files_are_no_templates() {
        assert!(is_template_file("a.yml") && is_template_file("a.json") && is_template_file("a.b.yaml"));
        assert!(!is_template_file("README.md") && !is_template_file(".yml") && !is_template_file("ayml"));
    }
}
