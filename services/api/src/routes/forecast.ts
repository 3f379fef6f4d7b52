import { forecastAccuracyView } from '@lamina/domain/contract/forecast.ts';
import type { Forecaster } from '../forecast/forecaster.ts';
import type { Api } from '../instance.ts';

export function forecastRoutes(app: Api, { forecaster }: { forecaster: Forecaster }): void {
  app.get(
    '/forecast/accuracy',
    {
      schema: {
        summary: 'How far past forecasts were off',
        description:
          'Every prediction made at a submission is kept and compared with what happened, unless the experiment was paused, cancelled, retried or extended, or failed.',
        tags: ['experiments'],
        response: { 200: forecastAccuracyView },
      },
    },
    async () => forecaster.accuracy(),
  );
}
