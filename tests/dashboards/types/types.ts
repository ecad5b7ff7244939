// Grafana's types with enums as the plain strings that JSON has.
import type { Dashboard } from '@grafana/schema';
import type * as barchart from '@grafana/schema/dist/esm/raw/composable/barchart/panelcfg/x/BarChartPanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as stateTimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as statusHistory from '@grafana/schema/dist/esm/raw/composable/statushistory/panelcfg/x/StatusHistoryPanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

export type Plain<T> = 0 extends 1 & T
  ? any
  : T extends string
    ? `${T}`
    : T extends number | boolean | null | undefined
      ? T
      : T extends Array<infer Item>
        ? Array<Plain<Item>>
        : T extends object
          ? { [Key in keyof T]: Plain<T[Key]> }
          : T;

export type Board = Plain<Dashboard>;
export type Options = {
  barchart: Plain<barchart.Options>;
  stat: Plain<stat.Options>;
  'state-timeline': Plain<stateTimeline.Options>;
  'status-history': Plain<statusHistory.Options>;
  table: Plain<table.Options>;
  timeseries: Plain<timeseries.Options>;
};
export type Custom = {
  barchart: Plain<barchart.FieldConfig>;
  stat: Record<string, never>;
  'state-timeline': Plain<stateTimeline.FieldConfig>;
  'status-history': Plain<statusHistory.FieldConfig>;
  table: Partial<Plain<table.FieldConfig>>;
  timeseries: Plain<timeseries.FieldConfig>;
};
