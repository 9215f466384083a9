"""Every message name of CFX 2.1 (IPC-2591), so that a message this product does not model is told
apart from one the standard does not know.
"""

from typing import Final

_BY_NAMESPACE: Final[dict[str, str]] = {
    "": """
        AreYouThereRequest AreYouThereResponse EndpointConnected EndpointShuttingDown
        GetEndpointInformationRequest GetEndpointInformationResponse Heartbeat
        NotSupportedResponse WhoIsThereRequest WhoIsThereResponse
    """,
    "InformationSystem.DataTransfer": """
        FileTransferRequest FileTransferResponse
    """,
    "InformationSystem.OperatorValidation": """
        ValidateOperatorRequest ValidateOperatorResponse
    """,
    "InformationSystem.ProductionScheduling": """
        WorkOrdersScheduled WorkOrdersUnscheduled
    """,
    "InformationSystem.TopicValidation": """
        ValidateTopicRequest ValidateTopicResponse
    """,
    "InformationSystem.UnitValidation": """
        ValidateUnitsRequest ValidateUnitsResponse
    """,
    "InformationSystem.WorkOrderManagement": """
        WorkOrderQuantityUpdated WorkOrderStatusUpdated WorkOrdersCreated WorkOrdersDeleted
        WorkOrdersUpdated
    """,
    "Maintenance": """
        GetResourceInformationRequest GetResourceInformationResponse
        GetResourceMaintenanceAndServiceRequest GetResourceMaintenanceAndServiceResponse
        GetResourceMaintenanceStatusRequest GetResourceMaintenanceStatusResponse
        GetResourceSetupRequest GetResourceSetupResponse ResourceInformationEvent
        ResourceMaintenanceAndServiceEvent ResourceMaintenanceStatusEvent ResourceSetupEvent
    """,
    "Materials.Management": """
        BlockMaterialsRequest BlockMaterialsResponse GetMaterialInformationRequest
        GetMaterialInformationResponse MaterialsChainSplit MaterialsConsumed
        MaterialsInitialized MaterialsJoined MaterialsModified MaterialsRetired MaterialsSplit
        UnblockMaterialsRequest UnblockMaterialsResponse
    """,
    "Materials.Management.MSDManagement": """
        MaterialsExpired MaterialsOpened MaterialsPlacedInDryStorage
        MaterialsRemovedFromDryStorage MaterialsRestored
    """,
    "Materials.Storage": """
        GetLoadedMaterialsRequest GetLoadedMaterialsResponse MaterialCarriersLoaded
        MaterialCarriersUnloaded MaterialsEmpty MaterialsLoaded MaterialsUnloaded
        SplicePointDetected ValidateStationSetupRequest ValidateStationSetupResponse
    """,
    "Materials.Transport": """
        CheckpointReached CreateTransportOrderRequest CreateTransportOrderResponse
        GetTransportOrderStatusRequest GetTransportOrderStatusResponse StartTransferRequest
        StartTransferResponse TransportOrderCompleted TransportOrderStarted
        TransportOrderStatusChanged
    """,
    "Production": """
        ActivateRecipeRequest ActivateRecipeResponse ActivitiesExecuted
        BlockMaterialLocationsRequest BlockMaterialLocationsResponse GetActiveRecipeRequest
        GetActiveRecipeResponse GetAvailableRecipesRequest GetAvailableRecipesResponse
        GetRecipeRequest GetRecipeResponse GetRequiredSetupRequest GetRequiredSetupResponse
        GetUnitInfoRequest GetUnitInfoResponse LocalRecipeChanged LockStationRequest
        LockStationResponse OperatorActivated OperatorDeactivated ReadingsRecorded
        RecipeActivated RecipeDeactivated RecipeModified SetupRequirementsChanged ToolsCleaned
        ToolsLoaded ToolsUnloaded ToolsUsed UnblockMaterialLocationsRequest
        UnblockMaterialLocationsResponse UnitsArrived UnitsDeparted UnitsDisqualified
        UnitsInitialized UnlockStationRequest UnlockStationResponse UpdateRecipeRequest
        UpdateRecipeResponse WorkCompleted WorkOrderActionExecuted WorkStageCompleted
        WorkStagePaused WorkStageResumed WorkStageStarted WorkStarted
    """,
    "Production.Application": """
        MaterialsApplied MaterialsUnapplied
    """,
    "Production.Application.Solder": """
        PCBSelectiveSoldered
    """,
    "Production.Assembly": """
        MaterialsInstalled MaterialsUninstalled UnitsPersonalized
    """,
    "Production.Assembly.PressInsertion": """
        ConditionCompleted GetConditionPermissionRequest GetConditionPermissionResponse
    """,
    "Production.Hermes": """
        GetMagazineDataRequest GetMagazineDataResponse GetWorkOrderDataRequest
        GetWorkOrderDataResponse MagazineArrived MagazineDeparted
    """,
    "Production.LoadingAndUnloading": """
        UnitsLoaded UnitsUnloaded
    """,
    "Production.Processing": """
        UnitsProcessed
    """,
    "Production.ReworkAndRepair": """
        UnitsRepaired
    """,
    "Production.TestAndInspection": """
        GetInspectionInfoRequest GetInspectionInfoResponse UnitsInspected UnitsTested
    """,
    "ResourcePerformance": """
        CalibrationPerformed ChangeSleepStateRequest ChangeSleepStateResponse ConsumptionDetail
        EnergyConsumed EnergyConsumptionRequest EnergyConsumptionResponse FaultAcknowledged
        FaultCleared FaultOccurred GetActiveFaultsRequest GetActiveFaultsResponse
        HandleFaultRequest HandleFaultResponse LogEntryRecorded MaintenancePerformed
        ModifyStationParametersRequest ModifyStationParametersResponse ProcessDataRecorded
        SleepStateChanged StageStateChanged StationOffline StationOnline
        StationParametersModified StationStateChanged ToolChanged
    """,
    "ResourcePerformance.PressInsertion": """
        ComponentsPressed
    """,
    "ResourcePerformance.SMTPlacement": """
        ComponentsPlaced
    """,
    "ResourcePerformance.SolderPastePrinting": """
        CleanSqueegeeRequest CleanSqueegeeResponse CleanStencilRequest CleanStencilResponse
        SqueegeeCleaned StencilCleaned
    """,
    "ResourcePerformance.THTInsertion": """
        ComponentsInserted
    """,
    "Sensor.Identification": """
        IdentifiersNotRead IdentifiersRead IdentifyUnitsRequest IdentifyUnitsResponse
    """,
}

#: The full names, "CFX." included, of the 183 messages of CFX 2.1.
KNOWN_MESSAGES: Final[frozenset[str]] = frozenset(
    ".".join(filter(None, ("CFX", namespace, message)))
    for namespace, messages in _BY_NAMESPACE.items()
    for message in messages.split()
)


def canonical_name(name: str) -> str:
    """The name as CFX writes it: `Production.WorkStarted` becomes `CFX.Production.WorkStarted`.

    A name CFX does not know is returned as it came; whoever decodes the body says so.
    """
    if name in KNOWN_MESSAGES or name.startswith("CFX."):
        return name
    prefixed = f"CFX.{name}"
    return prefixed if prefixed in KNOWN_MESSAGES else name


def short_name(name: str) -> str:
    """The last part of a message name: `WorkStarted` for `CFX.Production.WorkStarted`."""
    return name.rpartition(".")[2]
