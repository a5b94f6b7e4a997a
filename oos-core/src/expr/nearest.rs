//! The name that somebody probably meant.

/// CHOICE: a name is near when at most a third of its characters differ.
const NEARNESS: usize = 3;

/// The candidate nearest to `name`, case ignored, if any is near.
pub(super) fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let folded = name.to_lowercase();
    let bound = (name.chars().count() / NEARNESS).max(1);
    let distances = candidates.into_iter().map(|c| (distance(&folded, &c.to_lowercase()), c));
    distances.filter(|(d, _)| *d <= bound).min_by(|a, b| a.0.cmp(&b.0)).map(|(_, c)| c)
}

/// Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous = None;
    for (i, x) in a.chars().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&last, j) + usize::from(x != *y);
            let mut best = replaced.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = j > 0 && previous == Some(*y) && b.get(j - 1) == Some(&x);
            if swapped {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        previous = Some(x);
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("instnaceid", "instanceid"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn suggests_only_what_is_near() {
        assert_eq!(nearest("instnaceId", ["regionId", "instanceId"]), Some("instanceId"));
        assert_eq!(nearest("Fn::Joinn", ["Fn::Join", "Fn::ListJoin"]), Some("Fn::Join"));
        assert_eq!(nearest("zone", ["instanceId"]), None);
    }
}
