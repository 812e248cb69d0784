// Original file: proto/drover/v1/tuning.proto


export interface SettingStatusInput {
  'tuner'?: (string);
  'setting'?: (string);
  'domainUuid'?: (string);
  'domainName'?: (string);
  'now'?: (string);
  'wanted'?: (string);
  'outcome'?: (string);
  'reason'?: (string);
  'original'?: (string);
  'effect'?: (string);
  'source'?: (string);
  'affects'?: (string)[];
  'evidence'?: (string);
  'drift'?: (string);
}

export interface SettingStatus {
  'tuner': (string);
  'setting': (string);
  'domainUuid': (string);
  'domainName': (string);
  'now': (string);
  'wanted': (string);
  'outcome': (string);
  'reason': (string);
  'original': (string);
  'effect': (string);
  'source': (string);
  'affects': (string)[];
  'evidence': (string);
  'drift': (string);
}
