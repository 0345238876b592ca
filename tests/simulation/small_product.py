"""A few routes of the public API in memory: enough to see people work by what a reader saw."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response

from simulators.tags import sscc18, sscc_tag

Body = dict[str, Any]


@dataclass
class SmallProduct:
    """State and app. `seen` maps an EPC to the antennas that read it, in order of first read."""

    orders: dict[str, Body] = field(default_factory=dict)
    tasks: dict[str, Body] = field(default_factory=dict)
    cartons: dict[str, Body] = field(default_factory=dict)
    shipments: dict[str, Body] = field(default_factory=dict)
    visits: dict[str, Body] = field(default_factory=dict)
    seen: dict[str, list[int]] = field(default_factory=dict)
    settled: dict[str, str] = field(default_factory=dict)
    undecided: list[Body] = field(default_factory=list)
    asns: dict[str, Body] = field(default_factory=dict)
    put_away: list[str] = field(default_factory=list)
    putaways: list[Body] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    failing: int = 0
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def app(self) -> FastAPI:
        """The routes."""
        app = FastAPI()
        app.middleware("http")(self._middle)
        app.post("/v1/orders")(self.post_order)
        app.get("/v1/orders")(lambda: {"items": [], "next_cursor": None})
        app.get("/v1/orders/{order_id}")(self.get_order)
        app.post("/v1/totes")(lambda: {})
        app.post("/v1/pick-tasks/next")(self.next_tasks)
        app.post("/v1/pick-tasks/{task_id}/confirm")(self.confirm)
        app.post("/v1/orders/{order_id}/pack")(self.pack)
        app.post("/v1/stage")(self.stage)
        app.post("/v1/shipments")(self.post_shipment)
        app.get("/v1/shipments/{shipment_id}")(self.get_shipment)
        app.get("/v1/availability")(lambda: {"items": []})
        app.post("/v1/asns")(self.post_asn)
        app.post("/v1/tasks/next")(self.next_putaway)
        app.post("/v1/tasks/{task_id}/confirm")(lambda task_id: self.put_away.append(task_id))
        app.get("/v1/visits/{visit_id}")(self.get_visit)
        app.post("/v1/visits")(self.post_visit)
        app.post("/v1/visits/{visit_id}/close")(self.close)
        app.get("/v1/passes")(self.passes)
        app.post("/v1/passes/{pass_id}/settle")(self.settle)
        return app

    async def _middle(self, request: Request, call_next: Any) -> Response:
        self.calls.append(f"{request.method} {request.url.path}")
        if request.method == "POST" and "idempotency-key" not in request.headers:
            return Response(status_code=400)
        if self.failing > 0:
            self.failing -= 1
            return Response(status_code=503)
        answer: Response = await call_next(request)
        return answer

    def post_order(self, body: Body) -> Body:
        order_id = f"o{next(self.ids)}"
        order = {"id": order_id, "status": "released", "lines": body["lines"]}
        self.orders[order_id] = order
        for line in body["lines"]:
            task_id = f"t{next(self.ids)}"
            place: Body = {"quantity": line["quantity"], "x_m": 30.0, "y_m": 20.0, "epcs_here": []}
            task = {"id": task_id, "order_id": order_id, "worker": None, "done": False, **place}
            self.tasks[task_id] = task
        return order

    def get_order(self, order_id: str) -> Body:
        return self.orders[order_id]

    def next_tasks(self, body: Body, response: Response) -> Body:
        free = [task for task in self.tasks.values() if task["worker"] is None]
        if not free:
            return {"tasks": []}
        mine = [task for task in free if task["order_id"] == free[0]["order_id"]]
        for task in mine:
            task["worker"] = body["worker"]
        return {"tasks": mine, "tote": None}

    def confirm(self, task_id: str, body: Body) -> Body:
        task = self.tasks[task_id]
        task["done"] = True
        order_id = task["order_id"]
        if all(t["done"] for t in self.tasks.values() if t["order_id"] == order_id):
            self.orders[order_id]["status"] = "picked"
        return task

    def pack(self, order_id: str, body: Body) -> Body:
        sscc = sscc18("9521101", next(self.ids))
        tag = sscc_tag(sscc)
        carton = {"id": f"c{sscc}", "sscc": sscc, "key": tag.key, "epc_hex": tag.hex}
        self.cartons[carton["id"]] = {**carton, "order_id": order_id}
        self.orders[order_id]["status"] = "packed"
        return {"carton": carton}

    def stage(self, body: Body) -> Body:
        carton = self.cartons[body["handling_unit"]]
        self.orders[carton["order_id"]]["status"] = "staged"
        return {}

    def post_shipment(self, body: Body) -> Body:
        shipment_id = f"s{next(self.ids):04d}"
        self.shipments[shipment_id] = {"id": shipment_id, "orders": body["order_ids"]}
        return self.get_shipment(shipment_id)

    def get_shipment(self, shipment_id: str) -> Body:
        shipment = self.shipments[shipment_id]
        units = [
            {"handling_unit_id": c["id"], "loaded": self.seen.get(c["epc_hex"], [])[:2] == [2, 1]}
            for c in self.cartons.values()
            if c["order_id"] in shipment["orders"]
        ]
        return {**shipment, "units": units}

    def post_visit(self, body: Body) -> Body:
        visit = {"id": f"v{next(self.ids)}", "closed": False, **body}
        self.visits[visit["id"]] = visit
        return self.get_visit(visit["id"])

    def get_visit(self, visit_id: str) -> Body:
        visit = self.visits[visit_id]
        expected = [
            content["epc"]
            for asn_id in visit.get("asn_ids", [])
            for unit in self.asns[asn_id]["handling_units"]
            for content in unit["contents"]
        ]
        received = sum(self.seen.get(epc, [])[:2] == [1, 2] for epc in expected)
        return {**visit, "remainder": {"expected": len(expected), "received": received}}

    def post_asn(self, body: Body) -> Body:
        asn = {"id": f"a{next(self.ids)}", **body}
        self.asns[asn["id"]] = asn
        for unit in body["handling_units"]:
            task = {"id": f"put{next(self.ids)}", "handling_unit": unit["key"]}
            self.putaways.append(task)
        return asn

    def next_putaway(self, body: Body) -> Body:
        if body["kind"] != "putaway" or not self.putaways or not self._any_closed():
            return {}
        return self.putaways.pop(0)

    def _any_closed(self) -> bool:
        return any(visit["closed"] for visit in self.visits.values())

    def close(self, visit_id: str) -> Body:
        self.visits[visit_id]["closed"] = True
        for shipment_id in self.visits[visit_id].get("shipment_ids", []):
            shipment = self.get_shipment(shipment_id)
            for order_id in shipment["orders"]:
                full = all(unit["loaded"] for unit in shipment["units"])
                self.orders[order_id]["status"] = "shipped" if full else "held"
        return {}

    def passes(self, state: str = "", booking: str = "") -> Body:
        open_ = [p for p in self.undecided if p["id"] not in self.settled]
        return {"items": open_ if state == "undecided" else [], "next_cursor": None}

    def settle(self, pass_id: str, body: Body) -> Body:
        self.settled[pass_id] = body["state"]
        return {}
