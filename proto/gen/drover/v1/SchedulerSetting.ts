// Original file: proto/drover/v1/catalog.proto


export interface SchedulerSettingInput {
  'name'?: (string);
  'value'?: (string);
  'defaultValue'?: (string);
  'help'?: (string);
}

export interface SchedulerSetting {
  'name': (string);
  'value': (string);
  'defaultValue': (string);
  'help': (string);
}
