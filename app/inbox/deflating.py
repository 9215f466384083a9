"""Texts of messages deflated, with a dictionary of what CFX messages have in common."""

import zlib

# Changing the dictionary makes stored bodies unreadable: add a new first byte with it.
_COMMON = (
    b'{"PrimaryIdentifier":"","HermesIdentifier":null,"WorkOrderIdentifier":{"WorkOrderId":"","Batch":null},'
    b'"FaultOccurrenceId":"","OldState":"NewState":"OldStateDuration":"00:00:","RelatedFault":null,'
    b'"Stage":{"StageSequence":1,"StageName":"","StageType":"Work"},"Result":"Completed","PerformanceImpacts":[],'
    b'"CommonProcessData":{"$type":"CFX.Structures.","UnitProcessData":[{"UnitResult":"Succeeded",'
    b'"InspectedUnits":[{"UnitIdentifier":"","UnitPositionNumber":1,"OverallResult":"Passed","Inspections":['
    b'{"UniqueIdentifier":"","InspectionName":"","InspectionStartTime":"2026-","InspectionEndTime":"","TestProcedure"'
    b':null,"Comments":null,"Result":"Passed","DefectsFound":[],"Symptoms":[],"Measurements":[{"$type":"CFX.Structures.'
    b'NumericMeasurement, CFX","MeasurementName":"","MeasuredValue":{"Value":,"ExpectedValue":,"MinimumAcceptableValue"'
    b':,"MaximumAcceptableValue":,"ValueUnits":""},"Result":"Passed"}]}]}],"TestMethod":"FunctionalTest","TestedUnits":'
    b'[{"Tests":[{"TestName":"","TestStartTime":"","TestEndTime":"","SymptomsFound":[],"InspectionMethod":"AOI",'
    b'"SamplingInformation":{"SamplingMethod":"NoSampling","LotSize":null,"SampleSize":null},"Inspector":null,'
    b'"RecipeName":"","RecipeRevision":"","Revision":"","RelevantSurface":"PrimarySurface","Lane":1,"UnitCount":6,'
    b'"Units":[{"UnitIdentifier":"","PositionNumber":1,"PositionName":"","X":0.0,"Y":0.0,"Rotation":0.0,"FlipX":false,'
    b'"FlipY":false},{"UnitIdentifier":"","PositionNumber":2},"TransactionID":"","TransactionId":"","CFXHandle":""}'
)


def deflated(text: bytes) -> bytes:
    """A text made small, quickly."""
    deflate = zlib.compressobj(level=1, zdict=_COMMON)
    return deflate.compress(text) + deflate.flush()


def inflated(packed: bytes) -> bytes:
    """What `deflated` was given."""
    inflate = zlib.decompressobj(zdict=_COMMON)
    return inflate.decompress(packed) + inflate.flush()
