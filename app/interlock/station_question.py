"""The station's part of the gate's question (`app.interlock.questions`)."""

from typing import Final

from app.lines.clocks import FRESH
from app.setup.current import ACTIVE_RECIPE, ORDER_OF_RECIPE

STATION: Final = f"""
    station_at AS (
        SELECT station.station_id, station.handle, station.operation, station.line_id, gate_policy.policy,
            station_lock.reason AS locked, station_calibration.due_at AS calibration_due,
            (SELECT extract(epoch FROM clock.error) FROM station_clock AS clock
             WHERE clock.station_id = station.station_id AND clock.measured_at > now() - interval '{FRESH}'
            ) AS clock_error,
            station.line_order IS NOT NULL AND NOT EXISTS (
                SELECT FROM station AS before
                WHERE before.line_id = station.line_id AND before.line_order < station.line_order
            ) AS first_of_line,
            EXISTS (
                SELECT FROM routing_operation AS step
                WHERE step.operation = station.operation AND EXISTS (
                    SELECT FROM routing_operation AS before
                    WHERE before.product_revision_id = step.product_revision_id AND before.sequence < step.sequence
                )
            ) AS comes_later,
            EXISTS (SELECT FROM qualification_need AS need WHERE need.operation = station.operation) AS qualified_only,
            EXISTS (SELECT FROM loading_event AS loading WHERE loading.station_id = station.station_id)
                OR EXISTS (SELECT FROM required_setup AS setup WHERE setup.station_id = station.station_id)
                OR EXISTS (SELECT FROM setup_check WHERE setup_check.station_id = station.station_id) AS has_setup,
            EXISTS (SELECT FROM tool_event WHERE tool_event.station_id = station.station_id)
                OR EXISTS (SELECT FROM tool_count WHERE tool_count.station_id = station.station_id) AS has_tools,
            active.body AS active, active_order.product_revision_id AS active_revision_id,
            active_product.part_number || ' rev ' || active_revision.revision AS active_product
        FROM station
        LEFT JOIN gate_policy USING (station_id)
        LEFT JOIN station_lock ON station_lock.station_id = station.station_id AND station_lock.unlocked_at IS NULL
        LEFT JOIN station_calibration ON station_calibration.station_id = station.station_id
        LEFT JOIN LATERAL (
            {ACTIVE_RECIPE}
        ) AS active ON true
        LEFT JOIN work_order AS active_order ON active_order.number = {ORDER_OF_RECIPE}
        LEFT JOIN product_revision AS active_revision
            ON active_revision.product_revision_id = active_order.product_revision_id
        LEFT JOIN product AS active_product ON active_product.product_id = active_revision.product_id
        WHERE station.handle = %(station)s
    )
"""
"""CTE `station_at`: parameter `station`."""
