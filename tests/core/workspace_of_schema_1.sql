BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE desks (
	workspace TEXT NOT NULL, 
	person TEXT NOT NULL, 
	at TEXT NOT NULL, 
	content TEXT NOT NULL, 
	PRIMARY KEY (workspace, person), 
	FOREIGN KEY(workspace) REFERENCES workspaces (id)
);
CREATE TABLE documents (
	workspace TEXT NOT NULL, 
	id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	latest INTEGER NOT NULL, 
	PRIMARY KEY (workspace, id), 
	CONSTRAINT one_document_of_a_name UNIQUE (workspace, kind, name), 
	FOREIGN KEY(workspace) REFERENCES workspaces (id)
);
INSERT INTO "documents" VALUES('main','b6d57bc8f3034480bbdd6c89f41b63b4','plan','Visits','Owner',2);
CREATE TABLE facts (
	workspace TEXT NOT NULL, 
	upload TEXT NOT NULL, 
	place INTEGER NOT NULL, 
	file TEXT NOT NULL, 
	PRIMARY KEY (workspace, upload, place), 
	CONSTRAINT facts_of_an_upload FOREIGN KEY(workspace, upload) REFERENCES uploads (workspace, digest) ON DELETE CASCADE
);
CREATE TABLE log (
	workspace TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	person TEXT NOT NULL, 
	act TEXT NOT NULL, 
	about TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (workspace, number), 
	FOREIGN KEY(workspace) REFERENCES workspaces (id)
);
INSERT INTO "log" VALUES('main',1,'2026-11-22T12:00:01.000000+00:00','Owner','admit','person ed@firm.test','a7eecab5d6f3bb13e2505d82c236c9389a231860bfe82c1502ad96526aed72b7','2d402035885ef9a326d7f84556f7f1fdde5bffa5c72df3918cdff40c3a5d2457');
INSERT INTO "log" VALUES('main',2,'2026-11-22T12:00:02.000000+00:00','Owner','save','version b6d57bc8f3034480bbdd6c89f41b63b4 1','8262b0b82d785a683e9a56270cef516e82da8b77748a8c0e7a4d11b2b345369e','f28a6339318edea7ca9da929a24e93689645a13a5753c89509dc01b3f8b14cd7');
INSERT INTO "log" VALUES('main',3,'2026-11-22T12:00:03.000000+00:00','Owner','save','version b6d57bc8f3034480bbdd6c89f41b63b4 2','3e5d8506d54fa16b83dae63ffc7c1b465449504e0b05ea687efdd2ee3e589152','cc0ab60b93b4bd85fd9287b111b9101c22f4a6dd85ffed7200069add49489a9d');
INSERT INTO "log" VALUES('main',4,'2026-11-22T12:00:04.000000+00:00','Owner','freeze','snapshot 62a4a770a5a1b5ff44d9ca9c0afb9390aab370297ff158a7aa2dfe7a9795c3ad','41371ae2922429a9ab8e59fef4cb1f2349754e1746b16a349df85b6f5a272d39','eeb9c2a01dd3ccda4be1e3f0f8f84ce755164ffde3449b6a1696955a8ce22165');
INSERT INTO "log" VALUES('main',5,'2026-11-22T12:00:05.000000+00:00','Owner','approve','snapshot d08dedbef160af9dcdcddde8fe291d2d90460bcdb016df1ee9bad6176b6630a4','c1dadf168eb9f1fdf8de2d64108e3f0fb45535b7bf6d0a2a0745377e3f219f8a','5ef963c529b7d5de0cc726bae5a3a7ebb6bf35714c0cf6b009801d3944de0a57');
CREATE TABLE members (
	workspace TEXT NOT NULL, 
	person TEXT NOT NULL, 
	role TEXT NOT NULL, 
	sees_pay BOOLEAN NOT NULL, 
	PRIMARY KEY (workspace, person), 
	CONSTRAINT members_of_a_role CHECK (role IN ('viewer', 'editor', 'owner')), 
	FOREIGN KEY(workspace) REFERENCES workspaces (id)
);
INSERT INTO "members" VALUES('main','ed@firm.test','editor',0);
CREATE TABLE snapshots (
	workspace TEXT NOT NULL, 
	seal TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	status TEXT NOT NULL, 
	proposal TEXT, 
	supersedes TEXT, 
	document TEXT, 
	version INTEGER, 
	person TEXT NOT NULL, 
	at TEXT NOT NULL, 
	content TEXT NOT NULL, 
	PRIMARY KEY (workspace, seal), 
	CONSTRAINT snapshots_of_a_status CHECK (status IN ('draft', 'proposed', 'approved')), 
	CONSTRAINT one_approval_of_a_proposal UNIQUE (workspace, proposal), 
	CONSTRAINT snapshots_of_a_version FOREIGN KEY(workspace, document, version) REFERENCES versions (workspace, document, number), 
	FOREIGN KEY(workspace) REFERENCES workspaces (id)
);
INSERT INTO "snapshots" VALUES('main','62a4a770a5a1b5ff44d9ca9c0afb9390aab370297ff158a7aa2dfe7a9795c3ad',4,'proposed',NULL,NULL,'b6d57bc8f3034480bbdd6c89f41b63b4',1,'Owner','2026-11-22T12:00:04.000000+00:00','{
  "format": 1,
  "status": "proposed",
  "program": "0.1.0",
  "plan": {
    "format": 1,
    "name": "",
    "business": "portal",
    "currency": "RUB",
    "period": "2026-10",
    "per": "month",
    "own": {},
    "lines": [
      {
        "kpi": "sessions",
        "target": 300,
        "base": null,
        "rule": {
          "kind": "steps",
          "steps": [
            {
              "at": 0.8,
              "inclusive": true,
              "score": 0.5
            },
            {
              "at": 1,
              "inclusive": false,
              "score": 1
            }
          ],
          "below": 0
        },
        "weight": 1,
        "owner": "",
        "deadline": null
      }
    ],
    "gates": [],
    "guards": [],
    "targets": {},
    "objectives": [],
    "scheme": {
      "terms": {
        "floor": 0,
        "cap": null,
        "accelerator": null
      },
      "kind": "scorecard",
      "salary": "1000.00",
      "fund": "500.00"
    },
    "missing": "drop",
    "over": "allowed",
    "partial_period": "wait",
    "fair": [],
    "stages": [],
    "funnel": "",
    "variants": {},
    "assumptions": {},
    "sources": {},
    "rates": {},
    "vat": {},
    "vat_rate": null,
    "vat_basis": "incl",
    "facts": {},
    "comments": {}
  },
  "period": "2026-10",
  "person": null,
  "team": [],
  "place": 0,
  "sources": [
    {
      "name": "visits.csv",
      "digest": "331231f9e3ea5e9c41ddee5d0f6388b0924db79761197cd029b95d56afc33242",
      "rows": 31
    }
  ],
  "figures": {
    "sessions": {
      "value": "279",
      "variant": "count",
      "currency": null,
      "inputs": {
        "sessions": "279"
      },
      "sources": [
        "table"
      ]
    }
  },
  "result": {
    "coefficient": "1/2",
    "stake": "500.00",
    "bonus": "250.00",
    "pay": "1250.00",
    "statement": {
      "ru": [
        [
          "Период",
          "октябрь 2026"
        ],
        [
          "Данные из файлов",
          "visits.csv (31 строка)"
        ],
        [
          "Посещаемость: план 300, факт 279; выполнение = факт / план. Визиты: 279 (Обычная таблица)",
          "93,0 %"
        ],
        [
          "Доля веса 100 % × балл 0,5 (от 80 % (включая) до 100 % (включая)); в премии 250,00 ₽",
          "0,5000"
        ],
        [
          "Общий балл",
          "0,5000"
        ],
        [
          "Оклад: 1 000,00 ₽",
          "1 000,00 ₽"
        ],
        [
          "Премия: 0,5 × премиальный фонд 500,00 ₽",
          "250,00 ₽"
        ],
        [
          "К выплате",
          "1 250,00 ₽"
        ]
      ],
      "en": [
        [
          "Period",
          "October 2026"
        ],
        [
          "Figures from files",
          "visits.csv (31 rows)"
        ],
        [
          "Total traffic: target 300, actual 279; attainment = actual / target. Sessions: 279 (Plain table)",
          "93.0%"
        ],
        [
          "Share of weight 100% × score 0.5 (from 80% (included) to 100% (included)); RUB 250.00 of the bonus",
          "0.5000"
        ],
        [
          "Total score",
          "0.5000"
        ],
        [
          "Salary: RUB 1,000.00",
          "RUB 1,000.00"
        ],
        [
          "Bonus: 0.5 × bonus fund RUB 500.00",
          "RUB 250.00"
        ],
        [
          "To pay",
          "RUB 1,250.00"
        ]
      ]
    }
  },
  "proposed": {
    "by": "A. Owner",
    "on": "2026-11-10"
  },
  "approved": null,
  "earlier": null,
  "reason": "",
  "supersedes": null,
  "seal": "62a4a770a5a1b5ff44d9ca9c0afb9390aab370297ff158a7aa2dfe7a9795c3ad"
}
');
INSERT INTO "snapshots" VALUES('main','d08dedbef160af9dcdcddde8fe291d2d90460bcdb016df1ee9bad6176b6630a4',5,'approved','62a4a770a5a1b5ff44d9ca9c0afb9390aab370297ff158a7aa2dfe7a9795c3ad',NULL,'b6d57bc8f3034480bbdd6c89f41b63b4',1,'Owner','2026-11-22T12:00:05.000000+00:00','{
  "format": 1,
  "status": "approved",
  "program": "0.1.0",
  "plan": {
    "format": 1,
    "name": "",
    "business": "portal",
    "currency": "RUB",
    "period": "2026-10",
    "per": "month",
    "own": {},
    "lines": [
      {
        "kpi": "sessions",
        "target": 300,
        "base": null,
        "rule": {
          "kind": "steps",
          "steps": [
            {
              "at": 0.8,
              "inclusive": true,
              "score": 0.5
            },
            {
              "at": 1,
              "inclusive": false,
              "score": 1
            }
          ],
          "below": 0
        },
        "weight": 1,
        "owner": "",
        "deadline": null
      }
    ],
    "gates": [],
    "guards": [],
    "targets": {},
    "objectives": [],
    "scheme": {
      "terms": {
        "floor": 0,
        "cap": null,
        "accelerator": null
      },
      "kind": "scorecard",
      "salary": "1000.00",
      "fund": "500.00"
    },
    "missing": "drop",
    "over": "allowed",
    "partial_period": "wait",
    "fair": [],
    "stages": [],
    "funnel": "",
    "variants": {},
    "assumptions": {},
    "sources": {},
    "rates": {},
    "vat": {},
    "vat_rate": null,
    "vat_basis": "incl",
    "facts": {},
    "comments": {}
  },
  "period": "2026-10",
  "person": null,
  "team": [],
  "place": 0,
  "sources": [
    {
      "name": "visits.csv",
      "digest": "331231f9e3ea5e9c41ddee5d0f6388b0924db79761197cd029b95d56afc33242",
      "rows": 31
    }
  ],
  "figures": {
    "sessions": {
      "value": "279",
      "variant": "count",
      "currency": null,
      "inputs": {
        "sessions": "279"
      },
      "sources": [
        "table"
      ]
    }
  },
  "result": {
    "coefficient": "1/2",
    "stake": "500.00",
    "bonus": "250.00",
    "pay": "1250.00",
    "statement": {
      "ru": [
        [
          "Период",
          "октябрь 2026"
        ],
        [
          "Данные из файлов",
          "visits.csv (31 строка)"
        ],
        [
          "Посещаемость: план 300, факт 279; выполнение = факт / план. Визиты: 279 (Обычная таблица)",
          "93,0 %"
        ],
        [
          "Доля веса 100 % × балл 0,5 (от 80 % (включая) до 100 % (включая)); в премии 250,00 ₽",
          "0,5000"
        ],
        [
          "Общий балл",
          "0,5000"
        ],
        [
          "Оклад: 1 000,00 ₽",
          "1 000,00 ₽"
        ],
        [
          "Премия: 0,5 × премиальный фонд 500,00 ₽",
          "250,00 ₽"
        ],
        [
          "К выплате",
          "1 250,00 ₽"
        ]
      ],
      "en": [
        [
          "Period",
          "October 2026"
        ],
        [
          "Figures from files",
          "visits.csv (31 rows)"
        ],
        [
          "Total traffic: target 300, actual 279; attainment = actual / target. Sessions: 279 (Plain table)",
          "93.0%"
        ],
        [
          "Share of weight 100% × score 0.5 (from 80% (included) to 100% (included)); RUB 250.00 of the bonus",
          "0.5000"
        ],
        [
          "Total score",
          "0.5000"
        ],
        [
          "Salary: RUB 1,000.00",
          "RUB 1,000.00"
        ],
        [
          "Bonus: 0.5 × bonus fund RUB 500.00",
          "RUB 250.00"
        ],
        [
          "To pay",
          "RUB 1,250.00"
        ]
      ]
    }
  },
  "proposed": {
    "by": "A. Owner",
    "on": "2026-11-10"
  },
  "approved": {
    "by": "Owner",
    "on": "2026-11-10"
  },
  "earlier": null,
  "reason": "",
  "supersedes": null,
  "seal": "d08dedbef160af9dcdcddde8fe291d2d90460bcdb016df1ee9bad6176b6630a4"
}
');
CREATE TABLE uploads (
	workspace TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	person TEXT NOT NULL, 
	kept_at TEXT NOT NULL, 
	content TEXT NOT NULL, 
	PRIMARY KEY (workspace, digest), 
	FOREIGN KEY(workspace) REFERENCES workspaces (id)
);
CREATE TABLE versions (
	workspace TEXT NOT NULL, 
	document TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	content TEXT NOT NULL, 
	author TEXT NOT NULL, 
	saved_at TEXT NOT NULL, 
	note TEXT NOT NULL, 
	origin INTEGER, 
	PRIMARY KEY (workspace, document, number), 
	CONSTRAINT versions_from_one CHECK (number > 0), 
	CONSTRAINT versions_of_a_document FOREIGN KEY(workspace, document) REFERENCES documents (workspace, id)
);
INSERT INTO "versions" VALUES('main','b6d57bc8f3034480bbdd6c89f41b63b4',1,'{"format":1,"name":"","business":"portal","currency":"RUB","period":"2026-10","per":"month","own":{},"lines":[{"kpi":"sessions","target":300,"base":null,"rule":{"kind":"steps","steps":[{"at":0.8,"inclusive":true,"score":0.5},{"at":1,"inclusive":false,"score":1}],"below":0},"weight":1,"owner":"","deadline":null}],"gates":[],"guards":[],"targets":{},"objectives":[],"scheme":{"terms":{"floor":0,"cap":null,"accelerator":null},"kind":"scorecard","salary":"1000.00","fund":"500.00"},"missing":"drop","over":"allowed","partial_period":"wait","fair":[],"stages":[],"funnel":"","variants":{},"assumptions":{},"sources":{},"rates":{},"vat":{},"vat_rate":null,"vat_basis":"incl","facts":{},"comments":{}}','Owner','2026-11-22T12:00:02.000000+00:00','a note',NULL);
INSERT INTO "versions" VALUES('main','b6d57bc8f3034480bbdd6c89f41b63b4',2,'{"format":1,"name":"","business":"portal","currency":"RUB","period":"2026-10","per":"month","own":{},"lines":[{"kpi":"sessions","target":400,"base":null,"rule":{"kind":"steps","steps":[{"at":0.8,"inclusive":true,"score":0.5},{"at":1,"inclusive":false,"score":1}],"below":0},"weight":1,"owner":"","deadline":null}],"gates":[],"guards":[],"targets":{},"objectives":[],"scheme":{"terms":{"floor":0,"cap":null,"accelerator":null},"kind":"scorecard","salary":"1000.00","fund":"500.00"},"missing":"drop","over":"allowed","partial_period":"wait","fair":[],"stages":[],"funnel":"","variants":{},"assumptions":{},"sources":{},"rates":{},"vat":{},"vat_rate":null,"vat_basis":"incl","facts":{},"comments":{}}','Owner','2026-11-22T12:00:03.000000+00:00','',NULL);
CREATE TABLE workspaces (
	id TEXT NOT NULL, 
	made_at TEXT NOT NULL, 
	entries INTEGER NOT NULL, 
	head TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "workspaces" VALUES('main','2026-11-22T12:00:00.000000+00:00',5,'5ef963c529b7d5de0cc726bae5a3a7ebb6bf35714c0cf6b009801d3944de0a57');
CREATE UNIQUE INDEX one_approval_supersedes ON snapshots (workspace, supersedes) WHERE status = 'approved';
CREATE TRIGGER versions_no_update BEFORE UPDATE ON versions BEGIN SELECT RAISE(ABORT, 'written once'); END;
CREATE TRIGGER versions_no_delete BEFORE DELETE ON versions BEGIN SELECT RAISE(ABORT, 'written once'); END;
CREATE TRIGGER snapshots_no_update BEFORE UPDATE ON snapshots BEGIN SELECT RAISE(ABORT, 'written once'); END;
CREATE TRIGGER snapshots_no_delete BEFORE DELETE ON snapshots BEGIN SELECT RAISE(ABORT, 'written once'); END;
CREATE TRIGGER log_no_update BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'written once'); END;
CREATE TRIGGER log_no_delete BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'written once'); END;
COMMIT;
