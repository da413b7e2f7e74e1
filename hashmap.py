"""Static mappings from the plan's words to Jira's ids: plain data, read with `.get()`.

The entries are samples for the sandbox's invented agency; replace them with your own site's. Where to find the ids:
account ids in a profile's address (`/jira/people/<account id>`), component ids in `/rest/api/3/project/<key>/components`,
custom field ids in `/rest/api/3/field`. `flows/content_plan_check.py` names those that the site no longer has.
"""

# Worker name -> Jira account id.
WORKERS: dict[str, str] = {
    "Associate Pagi": "712020:4b1c2d30-0001-4000-8000-00000000a001",
    "Associate Sore": "712020:4b1c2d30-0002-4000-8000-00000000a002",
    "Editor Utara": "712020:4b1c2d30-0003-4000-8000-00000000e001",
    "Editor Selatan": "712020:4b1c2d30-0004-4000-8000-00000000e002",
}

# Client -> id of its component in the Jira project.
COMPONENTS: dict[str, str] = {
    "Kopi Senja": "10101",
    "Toko Rimba": "10102",
    "Batik Larasati": "10103",
    "Klinik Gigi Cemara": "10104",
    "Rumah Baca 'Aksara' & Anak": "10105",
}

# Client -> name of the worker who edits its content.
CONTENT_EDITOR: dict[str, str] = {
    "Kopi Senja": "Editor Utara",
    "Toko Rimba": "Editor Selatan",
    "Batik Larasati": "Editor Utara",
    "Klinik Gigi Cemara": "Editor Selatan",
    "Rumah Baca 'Aksara' & Anak": "Editor Utara",
    "Warung Bu Tini / Cabang 2": "Editor Selatan",
}

# Client -> name of the worker who looks after it in the field; its issues are assigned to this worker.
FIELD_ASSOCIATE: dict[str, str] = {
    "Kopi Senja": "Associate Pagi",
    "Toko Rimba": "Associate Sore",
    "Batik Larasati": "Associate Pagi",
    "Klinik Gigi Cemara": "Associate Sore",
    "Rumah Baca 'Aksara' & Anak": "Associate Pagi",
    "Warung Bu Tini / Cabang 2": "Associate Malam",  # has no entry in WORKERS: a named problem, not a crash
}

# Field name -> id of the custom field on the Jira site.
CUSTOM_FIELDS: dict[str, str] = {
    "Publication Date": "customfield_10040",
    "Start Date": "customfield_10015",
    "Field Associate": "customfield_10041",
    "Content Editor": "customfield_10042",
    "Content Form": "customfield_10043",
}
