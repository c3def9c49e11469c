"""server.py — the routes of bench/plugins on FastAPI and asyncpg, and three of the service's on SQLAlchemy's async session."""

import os
import random
from datetime import datetime
from html import escape
from typing import List
from uuid import UUID

import asyncpg
import jwt
import sqlalchemy as sa
from fastapi import Depends, FastAPI, HTTPException, Query, Response
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, Field, constr
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import declarative_base, sessionmaker

HOST, USER, NAME = os.environ["DATABASE_HOST"], os.environ["DATABASE_USER"], os.environ["DATABASE_NAME"]
SECRET = os.environ["SECRET_KEY"]

app = FastAPI(openapi_url=None)


@app.on_event("startup")
async def open_pool():
    app.state.pool = await asyncpg.create_pool(host=HOST, user=USER, database=NAME, min_size=10, max_size=10)
    app.state.last_id = 0


# ---- without a database


class Message(BaseModel):
    message: str


class NewUser(BaseModel):
    email: constr(regex=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")  # EmailStr wants a package that Debian has not; this is cheaper
    first_name: str = Field(min_length=1, max_length=50)
    last_name: str = Field(min_length=1, max_length=50)
    password: str = Field(min_length=8, max_length=128)


class UserMade(BaseModel):
    id: int
    email: str
    first_name: str
    last_name: str


@app.get("/plaintext")
async def plaintext():
    return Response("Hello, World!", media_type="text/plain")


@app.get("/json", response_model=Message)
async def json():
    return {"message": "Hello, World!"}


@app.post("/users", response_model=UserMade, status_code=201)
async def make_user(user: NewUser):
    app.state.last_id += 1
    return {"id": app.state.last_id, "email": user.email, "first_name": user.first_name, "last_name": user.last_name}


# ---- asyncpg


class World(BaseModel):
    id: int
    randomNumber: int


ONE_WORLD = 'SELECT id, randomnumber AS "randomNumber" FROM world WHERE id = $1'


def random_id():
    return random.randint(1, 10000)


def count_of(n):
    return min(max(int(n), 1), 500) if n.isdigit() else 1


@app.get("/db", response_model=World)
async def db():
    async with app.state.pool.acquire() as connection:
        return dict(await connection.fetchrow(ONE_WORLD, random_id()))


async def some_worlds(connection, n):
    statement = await connection.prepare(ONE_WORLD)
    return [dict(await statement.fetchrow(random_id())) for _ in range(count_of(n))]


@app.get("/queries", response_model=List[World])
async def queries(n: str = "1"):
    async with app.state.pool.acquire() as connection:
        return await some_worlds(connection, n)


@app.get("/updates", response_model=List[World])
async def updates(n: str = "1"):
    async with app.state.pool.acquire() as connection:
        worlds = sorted(await some_worlds(connection, n), key=lambda world: world["id"])
        for world in worlds:
            world["randomNumber"] = random_id()
        await connection.execute(
            "UPDATE world SET randomnumber = c.r FROM (SELECT id, max(r) AS r FROM unnest($1::int[], $2::int[]) AS v(id, r) "
            "GROUP BY id ORDER BY id) c WHERE world.id = c.id",
            [world["id"] for world in worlds], [world["randomNumber"] for world in worlds])
        return worlds


@app.get("/fortunes")
async def fortunes():
    async with app.state.pool.acquire() as connection:
        rows = [tuple(row) for row in await connection.fetch("SELECT id, message FROM fortune")]
    rows.append((0, "Additional fortune added at request time."))
    rows.sort(key=lambda row: row[1])
    body = "".join(f"<tr><td>{number}</td><td>{escape(message)}</td></tr>" for number, message in rows)
    return Response("<!DOCTYPE html><html><head><title>Fortunes</title></head><body><table><tr><th>id</th><th>message</th></tr>"
                    f"{body}</table></body></html>", media_type="text/html; charset=utf-8")


# ---- SQLAlchemy

engine = create_async_engine(f"postgresql+asyncpg://{USER}@/{NAME}?host={HOST}", pool_size=10, max_overflow=0)
Session = sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = sa.Column(PgUUID(as_uuid=True), primary_key=True)
    email = sa.Column(sa.String)
    first_name = sa.Column(sa.String)
    last_name = sa.Column(sa.String)
    role = sa.Column(sa.Text)
    is_active = sa.Column(sa.Boolean)
    created_at = sa.Column(sa.DateTime(timezone=True))
    updated_at = sa.Column(sa.DateTime(timezone=True))


class Post(Base):
    __tablename__ = "posts"
    __mapper_args__ = {"eager_defaults": True}
    id = sa.Column(PgUUID(as_uuid=True), primary_key=True, server_default=sa.func.gen_random_uuid())
    title = sa.Column(sa.String)
    content = sa.Column(sa.Text)
    published = sa.Column(sa.Boolean)
    author_id = sa.Column(PgUUID(as_uuid=True))
    created_at = sa.Column(sa.DateTime(timezone=True), server_default=sa.func.now())
    updated_at = sa.Column(sa.DateTime(timezone=True), server_default=sa.func.now())


class UserResponse(BaseModel):
    id: UUID
    email: str
    first_name: str
    last_name: str
    role: str
    is_active: bool
    created_at: datetime
    updated_at: datetime

    class Config:
        orm_mode = True


class PostCreate(BaseModel):
    title: str = Field(min_length=1, max_length=255)
    content: str = Field(min_length=1)
    published: bool = False


class PostResponse(PostCreate):
    id: UUID
    author_id: UUID
    created_at: datetime
    updated_at: datetime

    class Config:
        orm_mode = True


async def get_session():
    async with Session() as session:
        yield session


async def get_me(token: str = Depends(OAuth2PasswordBearer("/v1/auth/login")), session: AsyncSession = Depends(get_session)):
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"], options={"require": ["sub", "exp"]})
    except jwt.PyJWTError:
        raise HTTPException(401, "Invalid token", {"WWW-Authenticate": "Bearer"})
    me = await session.get(User, UUID(claims["sub"]))
    if not me:
        raise HTTPException(401, "Invalid token", {"WWW-Authenticate": "Bearer"})
    return me


@app.get("/v1/users", response_model=List[UserResponse])
async def list_users(skip: int = Query(0, ge=0), limit: int = Query(20, ge=1, le=100), me: User = Depends(get_me),
                     session: AsyncSession = Depends(get_session)):
    found = await session.execute(sa.select(User).order_by(User.created_at, User.id).offset(skip).limit(limit))
    return found.scalars().all()


@app.get("/v1/users/{user_id}", response_model=UserResponse)
async def get_user(user_id: UUID, me: User = Depends(get_me), session: AsyncSession = Depends(get_session)):
    found = (await session.execute(sa.select(User).where(User.id == user_id))).scalar_one_or_none()
    if not found:
        raise HTTPException(404, "User not found")
    return found


@app.post("/v1/posts", response_model=PostResponse, status_code=201)
async def create_post(post: PostCreate, me: User = Depends(get_me), session: AsyncSession = Depends(get_session)):
    made = Post(**post.dict(), author_id=me.id)
    session.add(made)
    await session.commit()
    return made
