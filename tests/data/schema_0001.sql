-- A database as the first version left it: three conversations of one person.
BEGIN TRANSACTION;
CREATE TABLE conversations (
	id VARCHAR(32) NOT NULL, 
	owner VARCHAR(64) NOT NULL, 
	title TEXT NOT NULL, 
	leaf_id VARCHAR(32), 
	cleared_leaf_id VARCHAR(32), 
	cleared_at FLOAT, 
	controls JSON NOT NULL, 
	created_at FLOAT NOT NULL, 
	updated_at FLOAT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "conversations" VALUES('1506fec9722d1a20cfea0d25e1bb14d5','me','北京今天天气怎么样？','932ca2cd4a7da002d6c9b0ec2ce4bc17',NULL,NULL,'{"model": "test-model", "temperature": 0.8, "max_tokens": 2048, "system_prompt": ""}',1.7953648813467886448e+09,1.79536488134924674038e+09);
INSERT INTO "conversations" VALUES('eb73d4401d51ed66e0876e94427044a1','me','A plan for the weekend','57c3db8831706197889603d458ccd0db',NULL,NULL,'{}',1.79536488136059784893e+09,1.79536488136106777194e+09);
INSERT INTO "conversations" VALUES('afda643c35e2205c62e1f361e62cedd1','me','Cleared away','ad3b18d7a810f1d6860c6c5f49b6a2f9','750d293a17985f345d9b73721ce14ec3',1.79536488138467645639e+09,'{}',1.79536488137177276613e+09,1795364881.39548);
CREATE TABLE messages (
	id VARCHAR(32) NOT NULL, 
	conversation_id VARCHAR(32) NOT NULL, 
	parent_id VARCHAR(32), 
	role VARCHAR(16) NOT NULL, 
	content TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	error JSON, 
	model TEXT, 
	host TEXT, 
	finish_reason TEXT, 
	prompt_tokens INTEGER, 
	completion_tokens INTEGER, 
	created_at FLOAT NOT NULL, 
	saved_at FLOAT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(conversation_id) REFERENCES conversations (id) ON DELETE CASCADE
);
INSERT INTO "messages" VALUES('deaa1f68a1a99b898ac6913eabb1338f','1506fec9722d1a20cfea0d25e1bb14d5',NULL,'user','北京今天天气怎么样？','complete',NULL,NULL,NULL,NULL,NULL,NULL,1.79536488134742832183e+09,1.79536488134742832183e+09);
INSERT INTO "messages" VALUES('53ed181fcae11df119a3208fc613c084','1506fec9722d1a20cfea0d25e1bb14d5','deaa1f68a1a99b898ac6913eabb1338f','assistant','晴，最高 5 度。','complete',NULL,'test-model','h','stop',7,9,1.79536488134742832183e+09,1.7953648813485882282e+09);
INSERT INTO "messages" VALUES('932ca2cd4a7da002d6c9b0ec2ce4bc17','1506fec9722d1a20cfea0d25e1bb14d5','deaa1f68a1a99b898ac6913eabb1338f','assistant','晴转多云。','stopped',NULL,'test-model','h',NULL,NULL,NULL,1.79536488134924674038e+09,1.79536488135022711748e+09);
INSERT INTO "messages" VALUES('892b3456c9551847a57403413748035b','eb73d4401d51ed66e0876e94427044a1',NULL,'user','A plan for the weekend','complete',NULL,NULL,NULL,NULL,NULL,NULL,1.79536488136106777194e+09,1.79536488136106777194e+09);
INSERT INTO "messages" VALUES('57c3db8831706197889603d458ccd0db','eb73d4401d51ed66e0876e94427044a1','892b3456c9551847a57403413748035b','assistant','Half a pl','answering',NULL,NULL,NULL,NULL,NULL,NULL,1.79536488136106777194e+09,1.79536488136106777194e+09);
INSERT INTO "messages" VALUES('750d293a17985f345d9b73721ce14ec3','afda643c35e2205c62e1f361e62cedd1',NULL,'user','Cleared away','complete',NULL,NULL,NULL,NULL,NULL,NULL,1.79536488137227940556e+09,1.79536488137227940556e+09);
INSERT INTO "messages" VALUES('ad3b18d7a810f1d6860c6c5f49b6a2f9','afda643c35e2205c62e1f361e62cedd1',NULL,'user','Begun anew','complete',NULL,NULL,NULL,NULL,NULL,NULL,1795364881.39548,1795364881.39548);
CREATE INDEX conversations_of_owner ON conversations (owner, updated_at);
CREATE INDEX ix_messages_conversation_id ON messages (conversation_id);
COMMIT;
